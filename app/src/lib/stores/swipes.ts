import type { ApprovalInfo, DecisionVerdict } from "../protocol/generated";
import { isPlainRead, needsHold, type OwnDecision } from "./decisions";

/** What swiping a row of the inbox decides: to the right and to the left; null where that does nothing. */
export interface Swipes {
  readonly right: DecisionVerdict | null;
  readonly left: DecisionVerdict | null;
}

/**
 * To the right only what reads and was understood whole is allowed; to the left is denied what a plain no answers. Nothing for what destroys, which is never decided in
 * passing, and nothing for questions and plans, whose no is an answer.
 */
export function swipesOf(approval: ApprovalInfo, own: OwnDecision | null): Swipes {
  const open = approval.state === "pending" && (own === null || own.state === "refused");
  const plain = open && !needsHold(approval) && approval.kind !== "question" && approval.kind !== "plan";
  return { right: plain && isPlainRead(approval) ? "allow" : null, left: plain ? "deny" : null };
}

/** Movement that tells a swipe from a scroll, and how far a swipe must go, pixels. */
const SLOP = 12;
const FAR = 120;
/** From here to the edge of the screen the browser's own gesture begins. */
const EDGE = 24;

/**
 * One finger on a row. It is a swipe when it goes sideways first, at least twice as far as up or down; whatever goes up or down first is scrolling, for as long as the
 * finger is there. Only the place where it is lifted counts, not how fast it went.
 */
export class Finger {
  readonly #x: number;
  readonly #y: number;
  readonly #can: Swipes;
  #kind: "open" | "swipe" | "scroll" = "open";
  /** How far to the right (or left, negative), as far as that may do something. */
  by = 0;

  constructor(x: number, y: number, can: Swipes, width: number) {
    this.#x = x;
    this.#y = y;
    this.#can = can;
    if (x < EDGE || x > width - EDGE) this.#kind = "scroll";
  }

  get swipes(): boolean {
    return this.#kind === "swipe";
  }

  /** What lifting it now would decide. */
  get verdict(): DecisionVerdict | null {
    if (Math.abs(this.by) < FAR) return null;
    return this.#towards();
  }

  /** What it goes towards, near or far. */
  get towards(): DecisionVerdict | null {
    return this.swipes && this.by !== 0 ? this.#towards() : null;
  }

  move(x: number, y: number): void {
    const across = x - this.#x;
    const along = Math.abs(y - this.#y);
    if (this.#kind === "open") {
      if (along > SLOP && along * 2 > Math.abs(across)) this.#kind = "scroll";
      else if (Math.abs(across) > SLOP && Math.abs(across) >= 2 * along) this.#kind = "swipe";
    }
    if (this.#kind !== "swipe") return;
    this.by = (across > 0 ? this.#can.right : this.#can.left) === null ? 0 : across;
  }

  #towards(): DecisionVerdict | null {
    return this.by > 0 ? this.#can.right : this.#can.left;
  }
}
