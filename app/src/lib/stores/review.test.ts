import { beforeEach, describe, expect, it } from "vitest";
import { approval, SESSION } from "../../dev/scenarios";
import { seeded } from "../channel/testing";
import type { ApprovalInfo } from "../protocol/generated";
import type { OwnDecision } from "./decisions";
import { ofKey, Review, type Waiting, wayBack } from "./review.svelte";
import type { Workspace } from "./workspace.svelte";

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
  let away: Set<string>;
  const isDecided = (id: string): boolean => (mine[id]?.state ?? "refused") !== "refused";
  const follow = (first: string | null = null): boolean =>
    review.follow(
      pending.map(({ approvalId: key }) => ({ key, open: !isDecided(key), away: away.has(key) })),
      isDecided,
      first,
    );
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
    away = new Set();
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

  it("leads past what waits on a machine that is away, keeps it in the count, and comes back to it", () => {
    away = new Set(["b", "d"]);
    follow();
    expect(review.upcoming()).toBe("c");
    decide("a");
    expect(place()).toBe("c 3/4");
    decide("c");
    expect(review.current).toBeNull();
    expect([review.waiting(), review.decidable()]).toEqual([["b", "d"], []]);
    review.again();
    expect(review.current).toBeNull();
    away = new Set(["d"]);
    expect(follow()).toBe(false);
    review.again();
    expect(place()).toBe("b 2/4");
    decide("b");
    expect(review.current).toBeNull();
  });

  it("stays on the one in view when its machine goes away, and goes through those that are away step by step", () => {
    away = new Set(["a", "b"]);
    expect(follow()).toBe(false);
    expect(place()).toBe("a 1/4");
    expect(review.isAway("a")).toBe(true);
    review.step(1);
    expect(place()).toBe("b 2/4");
    elsewhere("b");
    expect(place()).toBe("c 2/3");
  });

  it("begins with the first that can be decided; with the first of all where none can", () => {
    review = new Review();
    away = new Set(["a", "b"]);
    follow();
    expect(place()).toBe("c 3/4");
    review = new Review();
    follow("b");
    expect(place()).toBe("b 2/4");
    review = new Review();
    away = new Set(["a", "b", "c", "d"]);
    follow();
    expect(place()).toBe("a 1/4");
  });
});

describe("whatever happens in whatever order on three machines", () => {
  /** One machine, as its list and its connection are; every machine says the same ids. */
  class Told {
    readonly name: string;
    readonly waiting: string[] = [];
    readonly decided = new Set<string>();
    away = false;
    #asked = 0;

    constructor(name: string) {
      this.name = name;
    }

    ask(): void {
      this.waiting.push(`${this.name} ${this.#asked++}`);
    }
  }

  it.each(Array.from({ length: 200 }, (_, seed) => seed))(
    "the walk keeps its order and its count, and leads to what can be decided: %i",
    (seed) => {
      const below = seeded(seed);
      const machines = ["a", "b", "c"].map((name) => new Told(name));
      const of = (key: string): Told => machines.find(({ name }) => key.startsWith(name)) ?? new Told("");
      const review = new Review();
      const decisions: string[] = [];
      const follow = (): boolean =>
        review.follow(
          machines.flatMap((one) => one.waiting.map((key): Waiting => ({ key, open: !one.decided.has(key), away: one.away }))),
          (key) => of(key).decided.has(key),
        );
      const open = (): string[] => machines.flatMap((one) => one.waiting.filter((key) => !one.decided.has(key)));
      const canBe = (key: string): boolean => open().includes(key) && !of(key).away;
      const decide = (): void => {
        const key = review.current;
        if (key === null || !canBe(key)) return;
        const next = review.upcoming();
        decisions.push(key);
        of(key).decided.add(key);
        follow();
        expect([review.current, review.last]).toEqual([next, key]);
      };
      for (const one of machines) for (let n = below(3); n >= 0; n--) one.ask();
      follow();
      for (let round = 0; round < 60; round++) {
        const one = machines[below(3)] ?? new Told("");
        const before = { ids: review.ids, current: review.current };
        const some = one.waiting[below(Math.max(1, one.waiting.length))];
        switch (below(8)) {
          case 0:
            one.ask();
            break;
          case 1:
            one.away = !one.away;
            break;
          case 2: // recorded, or decided elsewhere
            if (some !== undefined) one.waiting.splice(one.waiting.indexOf(some), 1);
            break;
          case 3: // refused or withdrawn: it waits again
            if (some !== undefined && one.decided.delete(some)) decisions.splice(decisions.indexOf(some), 1);
            break;
          case 4:
            review.step(below(2) === 0 ? 1 : -1);
            break;
          case 5:
            review.again();
            expect(review.current === null || canBe(review.current)).toBe(true);
            break;
          default:
            decide();
        }
        const moved = review.current;
        follow();
        expect(review.waiting().toSorted()).toEqual(open().toSorted());
        expect(review.decidable().every(canBe)).toBe(true);
        expect(new Set(review.ids).size).toBe(review.ids.length);
        // What stays keeps its order; what is new comes after it.
        const stayed = before.ids.filter((id) => review.ids.includes(id));
        expect(review.ids.slice(0, stayed.length)).toEqual(stayed);
        expect(review.position).toBe(review.current === null ? 0 : review.ids.indexOf(review.current) + 1);
        // It never moves to what can't be decided, unless the person steps there.
        expect(review.current === moved || review.current === null || canBe(review.current)).toBe(true);
      }
      for (const one of machines) one.away = false;
      follow();
      for (let rounds = open().length; rounds > 0; rounds--) {
        if (review.current === null || !canBe(review.current)) review.again();
        decide();
      }
      review.again();
      expect([open(), review.current]).toEqual([[], null]);
      expect(new Set(decisions).size, "decided twice").toBe(decisions.length);
    },
  );
});

describe("a key", () => {
  const machines = [{ machineId: "a" }, { machineId: "b" }] as unknown as readonly Workspace[];
  it.each([
    ["b x", "b", "x"],
    ["b a x", "b", "a x"],
    ["b ", "b", ""],
    ["c x", undefined, undefined],
    ["b", undefined, undefined],
    ["", undefined, undefined],
  ])("%j stands for an approval of one machine, whatever its id is", (key, machineId, id) => {
    const of = ofKey(machines, key);
    expect([of?.workspace.machineId, of?.id]).toEqual([machineId, id]);
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
