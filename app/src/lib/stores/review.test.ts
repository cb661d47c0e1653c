import { beforeEach, describe, expect, it } from "vitest";
import { approval, SESSION } from "../../dev/scenarios";
import type { ApprovalInfo } from "../protocol/generated";
import type { OwnDecision } from "./decisions";
import { Review, wayBack } from "./review.svelte";

const asked = (id: string, more: Partial<ApprovalInfo> = {}): ApprovalInfo =>
  approval(id, SESSION.main, { kind: "tool", tool: "WebFetch", input: "{}" }, more);
const decision = (state: OwnDecision["state"]): OwnDecision => ({
  decisionId: "x",
  verdict: "allow",
  scope: "once",
  state,
  answers: null,
  error: null,
});

describe("the walk through all that waits", () => {
  let review: Review;
  let pending: ApprovalInfo[];
  let mine: Record<string, OwnDecision>;
  const follow = (first: string | null = null): boolean => review.follow(pending, (id) => mine[id] ?? null, first);
  const place = (): string => `${review.current} ${review.position}/${review.ids.length}`;
  /** As the app has it: the decision is on its way first, then the machine's list is without it. */
  const decide = (id: string): void => {
    mine[id] = decision("saved");
    follow();
    mine[id] = decision("recorded");
    pending = pending.filter((one) => one.approvalId !== id);
    follow();
  };
  const elsewhere = (id: string): void => {
    pending = pending.filter((one) => one.approvalId !== id);
    follow();
  };

  beforeEach(() => {
    review = new Review();
    pending = ["a", "b", "c", "d"].map((id) => asked(id));
    mine = {};
    follow();
  });

  it("begins with the first, or where it was left", () => {
    expect(place()).toBe("a 1/4");
    expect(review.upcoming()).toBe("b");
    review = new Review();
    follow("c");
    expect(place()).toBe("c 3/4");
    review = new Review();
    follow("gone");
    expect(place()).toBe("a 1/4");
  });

  it("moves on when one is decided, once, and keeps its place in the count", () => {
    mine["a"] = decision("saved");
    expect(follow()).toBe(true);
    expect(place()).toBe("b 2/4");
    mine["a"] = decision("recorded");
    pending = pending.slice(1);
    expect(follow()).toBe(false);
    expect(place()).toBe("b 2/4");
    expect(review.last).toBe("a");
    expect(review.waiting()).toEqual(["b", "c", "d"]);
  });

  it("stays on a decided one that is looked at again", () => {
    decide("a");
    review.step(-1);
    expect(place()).toBe("a 1/4");
    follow();
    expect(place()).toBe("a 1/4");
    review.step(1);
    expect(place()).toBe("b 2/4");
  });

  it("passes over, comes to an end that knows what is left, and begins again with that", () => {
    review.step(1);
    decide("b");
    decide("c");
    decide("d");
    expect(review.current).toBeNull();
    expect(review.waiting()).toEqual(["a"]);
    review.again();
    expect(place()).toBe("a 1/4");
    decide("a");
    expect(review.current).toBeNull();
    expect(review.waiting()).toEqual([]);
    review.step(-1);
    expect(place()).toBe("d 4/4");
  });

  it("takes out what was decided elsewhere, also the one in view, and counts it", () => {
    elsewhere("c");
    expect(place()).toBe("a 1/3");
    elsewhere("a");
    expect(place()).toBe("b 1/2");
    expect(review.gone).toBe(2);
    expect(review.last).toBeNull();
    elsewhere("d");
    elsewhere("b");
    expect(review.current).toBeNull();
    expect(review.ids).toEqual([]);
  });

  it("puts what newly arrives at the end, however urgent, and leaves the one in view alone", () => {
    pending = [
      asked("new", { risk: { tier: "destructive", understood: true, reversible: false, consequences: [], marks: null } }),
      ...pending,
    ];
    expect(follow()).toBe(false);
    expect(place()).toBe("a 1/5");
    expect(review.ids.at(-1)).toBe("new");
    for (const id of ["a", "b", "c", "d"]) decide(id);
    expect(place()).toBe("new 5/5");
  });

  it("waits at the end for the person when something arrives there", () => {
    for (const id of ["a", "b", "c", "d"]) decide(id);
    pending = [asked("late")];
    follow();
    expect(review.current).toBeNull();
    expect(review.waiting()).toEqual(["late"]);
  });

  it("shows a refused decision's approval again, and one that was withdrawn at once", () => {
    mine["a"] = decision("saved");
    follow();
    mine["a"] = decision("refused");
    follow();
    expect(place()).toBe("b 2/4");
    expect(review.waiting()).toContain("a");
    mine["b"] = decision("saved");
    follow();
    delete mine["b"];
    follow();
    review.returned("b");
    expect(place()).toBe("b 2/4");
    expect(review.waiting()).toContain("b");
    mine["b"] = decision("saved");
    follow();
    expect(place()).toBe("c 3/4");
  });
});

describe("what can be taken back", () => {
  const ran = { startedAt: "2026-01-01T00:00:00Z", finishedAt: "2026-01-01T00:00:01Z", exitCode: 0, failed: false };
  it.each([
    ["what never left this device", asked("a"), decision("saved"), "withdraw"],
    ["not what may have arrived", asked("a"), decision("sent"), "sent"],
    ["what ran, with a snapshot", asked("a", { state: "finished", execution: { ...ran, undoable: true } }), decision("recorded"), "undo"],
    ["not what ran without one", asked("a", { state: "finished", execution: ran }), decision("recorded"), "over"],
    ["not what runs", asked("a", { state: "running" }), decision("recorded"), "running"],
    ["not a denial", asked("a", { state: "denied" }), decision("recorded"), "over"],
  ] as const)("is %s", (_, given, own, way) => expect(wayBack(given, own)).toBe(way));
});
