import { describe, expect, it } from "vitest";
import { push as words } from "$lib/strings/push";
import type { Outcome } from "./decide";
import { receive } from "./receive";
import type { Asked } from "./show";
import { tapped } from "./tapped";
import { FakeShelf, FakeWindows, ID, MACHINE, notice } from "./testing";

async function world(decide: (asked: Asked, verdict: string) => Promise<Outcome> = async () => ({ kind: "recorded" })): Promise<{
  shelf: FakeShelf;
  windows: FakeWindows;
  decided: string[];
  tap: (action?: string) => Promise<void>;
}> {
  const shelf = new FakeShelf();
  const windows = new FakeWindows();
  const decided: string[] = [];
  await receive(notice({}), { machineId: MACHINE, shelf, words, lang: "en", badge: () => undefined });
  const [shown] = shelf.shown;
  if (!shown) throw new Error("nothing is shown");
  shelf.told.length = 0;
  return {
    shelf,
    windows,
    decided,
    tap: (action = "") =>
      tapped(shown, action, {
        machineId: MACHINE,
        shelf,
        windows,
        words,
        lang: "en",
        decide: (asked, verdict) => {
          decided.push(`${verdict} ${asked.approvalId}`);
          return decide(asked, verdict);
        },
      }),
  };
}

describe("a tap on a notification", () => {
  it("opens the app at its approval, and decides nothing", async () => {
    const { windows, decided, shelf, tap } = await world();
    await tap();
    expect([windows.opened, decided, shelf.shown]).toEqual([[`/m/${MACHINE}/approvals/${ID}`], [], []]);
  });

  it("tells an open page where to go, and for which machine", async () => {
    const { windows, tap } = await world();
    windows.add("/licences.txt", true);
    windows.add("/sessions");
    await tap();
    expect([windows.heard, windows.opened]).toEqual([[{ open: `/m/${MACHINE}/approvals/${ID}` }], []]);
  });

  it("goes nowhere else, whatever it says", async () => {
    for (const path of ["https://elsewhere.example/", "//elsewhere.example", "/approvals/../x", "/new?shared=1", 7, undefined]) {
      const windows = new FakeWindows();
      const shown = { tag: "x", title: "", body: "", data: { path }, close: () => undefined };
      await tapped(shown, "", {
        machineId: MACHINE,
        shelf: new FakeShelf(),
        windows,
        words,
        lang: "en",
        decide: async () => ({ kind: "recorded" }),
      });
      expect(windows.opened).toEqual([`/m/${MACHINE}/`]);
    }
  });
});

describe("a button of a notification", () => {
  it("says that it is on its way, then what the machine recorded, in the same place and without buttons", async () => {
    const { shelf, decided, windows, tap } = await world();
    await tap("allow");
    expect(decided).toEqual([`allow ${ID}`]);
    expect(shelf.told).toEqual(["Allowing…", "Allowed: recorded"]);
    expect(shelf.shown).toMatchObject([
      { tag: `approval/${MACHINE}/${ID}`, silent: true, actions: [], data: { path: `/approvals/${ID}`, asked: null } },
    ]);
    expect(windows.opened).toEqual([]);
  });

  it.each([
    ["over", words.why.over],
    ["changed", words.why.changed],
    ["may_not", words.why.may_not],
    ["alarm", words.why.alarm],
    ["begun", words.why.begun],
    ["unreachable", words.why.unreachable],
    ["unanswered", words.why.unanswered],
  ] as const)("never looks decided when it is %s", async (kind, why) => {
    const { shelf, tap } = await world(async () => ({ kind }));
    await tap("deny");
    expect(shelf.shown).toMatchObject([{ title: "Not denied", silent: false }]);
    expect(shelf.shown[0]?.body).toContain(why);
  });

  it("tells open pages of a decision that they have to send again", async () => {
    const { windows, tap } = await world(async () => ({ kind: "unanswered" }));
    windows.add("/sessions");
    await tap("deny");
    expect(windows.heard).toEqual([{ resend: MACHINE }]);
  });

  it("says so when something breaks", async () => {
    const { shelf, tap } = await world(() => Promise.reject(new Error("no storage")));
    await tap("deny");
    expect(shelf.shown[0]?.body).toContain(words.why.unreachable);
  });

  it("counts once while it is under way", async () => {
    let finish: (outcome: Outcome) => void = () => undefined;
    const { decided, tap } = await world(() => new Promise((resolve) => (finish = resolve)));
    const first = tap("deny");
    await tap("allow");
    await tap("deny");
    finish({ kind: "recorded" });
    await first;
    expect(decided).toEqual([`deny ${ID}`]);
  });
});
