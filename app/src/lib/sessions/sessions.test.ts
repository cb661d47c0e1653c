import { beforeEach, describe, expect, it } from "vitest";
import { session } from "../../dev/scenarios";
import type { SessionInfo } from "../protocol/generated";
import { each } from "./bulk";
import { type Filter, grouped, keepFilter, keptFilter, labelsIn, nextReturn, shows, snoozed } from "./list";
import { Selection } from "./selection.svelte";
import { snoozeTimes } from "./snooze";

const NOW = Date.parse("2026-03-04T10:00:00Z");
const at = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString();
const made = (id: string, more: Partial<SessionInfo> = {}): SessionInfo =>
  session(id, "p", id, more.state ?? "idle", null, 0, { updatedAt: at(0), ...more });

describe("the list of sessions", () => {
  it("groups by what a session means for the person, the pinned ones first and then the newest", () => {
    const groups = grouped(
      [
        made("old", { updatedAt: at(-60) }),
        made("new"),
        made("pinned", { updatedAt: at(-90), pinned: true }),
        made("asks", { state: "needs_you" }),
        made("failed", { state: "failed", updatedAt: at(-5) }),
        made("works", { state: "working" }),
        made("sleeps", { snoozedUntil: at(5) }),
        made("away", { archived: true }),
      ],
      NOW,
    );
    expect(groups.map((group) => [group.kind, group.sessions.map((one) => one.agentSessionId)])).toEqual([
      ["needsYou", ["asks", "failed"]],
      ["working", ["works"]],
      ["done", ["pinned", "new", "old"]],
      ["snoozed", ["sleeps"]],
      ["archived", ["away"]],
    ]);
  });

  it("brings a snoozed session back at its time", () => {
    const one = made("one", { snoozedUntil: at(5) });
    expect(snoozed(one, NOW)).toBe(true);
    expect(shows("all", one, NOW)).toBe(false);
    expect(nextReturn([one, made("two", { snoozedUntil: at(9) }), made("three", { snoozedUntil: at(-1) })], NOW)).toBe(NOW + 300_000);
    expect(snoozed(one, NOW + 300_000)).toBe(false);
    expect(shows("all", one, NOW + 300_000)).toBe(true);
    expect(nextReturn([one], NOW + 300_000)).toBeNull();
  });

  it("shows what a filter means", () => {
    const sessions = [
      made("plain"),
      made("unread", { unread: true }),
      made("pinned", { pinned: true, labels: ["Bugs"] }),
      made("sleeps", { snoozedUntil: at(5), labels: ["bugs", "later"] }),
      made("away", { archived: true, unread: true, labels: ["bugs"] }),
    ];
    const by = (filter: Filter): string[] => sessions.filter((one) => shows(filter, one, NOW)).map((one) => one.agentSessionId);
    expect(by("all")).toEqual(["plain", "unread", "pinned"]);
    expect(by("unread")).toEqual(["unread"]);
    expect(by("pinned")).toEqual(["pinned"]);
    expect(by("snoozed")).toEqual(["sleeps"]);
    expect(by("archived")).toEqual(["away"]);
    expect(by("label BUGS")).toEqual(["pinned", "sleeps"]);
    expect(labelsIn(sessions)).toEqual(["Bugs", "later"]);
  });

  it("takes a session that an older machine told, without any marks", () => {
    const marks = ["labels", "pinned", "unread", "snoozedUntil"];
    const before = Object.fromEntries(Object.entries(made("old")).filter(([name]) => !marks.includes(name))) as unknown as SessionInfo;
    expect(labelsIn([before])).toEqual([]);
    expect(shows("all", before, NOW)).toBe(true);
    expect(grouped([before], NOW)).toHaveLength(1);
  });

  describe("the filter", () => {
    beforeEach(() => localStorage.clear());
    it("is remembered on the device, and what is no filter is not", () => {
      expect(keptFilter("a")).toBe("all");
      keepFilter("a", "label release 2");
      expect(keptFilter("a")).toBe("label release 2");
      expect(keptFilter("b"), "another machine's").toBe("all");
      keepFilter("a", "all");
      expect(localStorage.length).toBe(0);
      localStorage.setItem("pocketcoder-session-filter a", "nonsense");
      expect(keptFilter("a")).toBe("all");
    });
  });
});

describe("a selection", () => {
  const shown = ["a", "b", "c", "d"];
  it("takes one in and out, and with Shift all between", () => {
    const selection = new Selection();
    selection.pick("b", false, shown);
    selection.pick("d", true, shown);
    expect([...selection.ids].sort()).toEqual(["b", "c", "d"]);
    selection.pick("a", true, shown); // from the last one
    expect(selection.ids.size).toBe(4);
    selection.pick("c", false, shown);
    expect(selection.ids.has("c")).toBe(false);
  });
  it("holds only what is shown", () => {
    const selection = new Selection();
    selection.pick("a", false, shown);
    selection.pick("d", false, shown);
    selection.keepOnly(["d"]);
    expect([...selection.ids]).toEqual(["d"]);
    selection.clear();
    selection.pick("b", true, shown); // there is no last one
    expect([...selection.ids]).toEqual(["b"]);
  });
});

describe("many at once", () => {
  it("does each, whatever becomes of the others, and tells what failed in order", async () => {
    const done: number[] = [];
    const failed = await each([1, 2, 3, 4, 5, 6, 7], async (n) => {
      await Promise.resolve();
      if (n % 3 === 0) throw new Error(`no ${n}`);
      done.push(n);
    });
    expect(done.sort()).toEqual([1, 2, 4, 5, 7]);
    expect(failed.map((failure) => failure.of)).toEqual([3, 6]);
    expect(await each([], () => Promise.reject(new Error("never")))).toEqual([]);
  });
});

describe("the times to snooze until", () => {
  it("are to come, in order of what they say, and this evening only before it", () => {
    const morning = snoozeTimes(new Date(2026, 2, 4, 10));
    expect(morning.map((time) => time.choice)).toEqual(["hour", "evening", "tomorrow", "week"]);
    expect(morning.map((time) => time.at)).toEqual([
      new Date(2026, 2, 4, 11),
      new Date(2026, 2, 4, 18),
      new Date(2026, 2, 5, 8),
      new Date(2026, 2, 9, 8),
    ]);
    expect(snoozeTimes(new Date(2026, 2, 4, 17, 30)).map((time) => time.choice)).toEqual(["hour", "tomorrow", "week"]);
    expect(snoozeTimes(new Date(2026, 2, 9, 10)).at(-1)?.at).toEqual(new Date(2026, 2, 16, 8)); // a Monday
  });
});
