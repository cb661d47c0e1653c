import type { Workspace } from "./workspace.svelte";

/** The way to the machine needs a person: it will not come back by itself. */
export function troubled({ link }: Workspace): boolean {
  return link.kind === "refused" || link.kind === "revoked" || link.kind === "version";
}

/** The machine's ledger is not what it should be: nothing can be decided there. */
export function alarmed(workspace: Workspace): boolean {
  return workspace.alarm !== null || (workspace.machine?.ledgerProblem ?? null) !== null;
}
