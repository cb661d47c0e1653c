import type { SandboxKind } from "../protocol/generated";

const STRENGTH: Record<SandboxKind, number> = { none: 0, landlock: 1, bubblewrap: 2, docker: 2 };

/** What the machine holds a choice of sandbox against; the machine decides, this only spares a refusal. */
export interface SandboxBounds {
  /** What the project or the machine uses unless somebody chooses. */
  readonly usual: SandboxKind;
  /** What the owner started the machine with; null: nothing. */
  readonly floor: SandboxKind | null;
  /** Whether this device has the scope `manage`. */
  readonly manages: boolean;
}

const isWeaker = (kind: SandboxKind, than: SandboxKind): boolean => STRENGTH[kind] < STRENGTH[than];

/** The bounds in a project. Its own default is below the floor only when the owner chose it at the machine. */
export function boundsIn(
  ofProject: SandboxKind | null,
  ofMachine: SandboxKind | null,
  floor: SandboxKind | null,
  manages: boolean,
): SandboxBounds {
  return {
    usual: ofProject ?? ofMachine ?? "bubblewrap",
    floor: floor !== null && ofProject !== null && isWeaker(ofProject, floor) ? ofProject : floor,
    manages,
  };
}

/** Why this device may not choose it: the owner's word, or a right that it lacks. Null: it may. */
export function whyNot(kind: SandboxKind, { usual, floor, manages }: SandboxBounds): "owner" | "manage" | null {
  if (floor !== null && isWeaker(kind, floor)) return "owner";
  return isWeaker(kind, usual) && !manages ? "manage" : null;
}
