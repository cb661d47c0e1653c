import { describe, expect, it } from "vitest";
import { push as words } from "$lib/strings/push";
import { push as chinese } from "$lib/strings/zh/push";
import { receive } from "./receive";
import type { NotificationData } from "./show";
import { FakeShelf, ID, MACHINE, notice } from "./testing";

function room(shelf = new FakeShelf()): {
  shelf: FakeShelf;
  badges: number[];
  gets: (text: string | null, lang?: string) => Promise<void>;
} {
  const badges: number[] = [];
  const badge = (count: number): void => void badges.push(count);
  return {
    shelf,
    badges,
    gets: (text, lang = "en") => receive(text, { machineId: MACHINE, shelf, words: lang === "en" ? words : chinese, lang, badge }),
  };
}

describe("a notice", () => {
  it("of an approval names where it is asked, and nothing of what", async () => {
    const { shelf, badges, gets } = room();
    await gets(notice({ what: null, whole: false, folder: null, waiting: 3 }));
    const [one] = shelf.shown;
    expect(one?.title).toBe("Approval needed");
    expect(one?.body).toBe("Read-only, sandboxed\nFix the login · api · atlas\n2 more waiting for you");
    expect(one?.actions.map(({ action }) => action)).toEqual(["deny"]);
    expect(one?.data).toMatchObject({ machine: MACHINE, path: `/approvals/${ID}` });
    expect([one?.tag, one?.silent, one?.renotify, badges]).toEqual([`approval/${MACHINE}/${ID}`, false, true, [3]]);
  });

  it("that is whole shows all of it and may be allowed", async () => {
    const { shelf, gets } = room();
    await gets(notice({}));
    expect(shelf.shown[0]?.body.split("\n").slice(0, 3)).toEqual(["git status", "in /home/ada/src/api", "Read-only, sandboxed"]);
    expect(shelf.shown[0]?.actions.map(({ action }) => action)).toEqual(["deny", "allow"]);
  });

  it.each([
    ["the machine does not call it whole", { whole: false }],
    ["this device may not decide", { denies: false }],
    ["its digest is missing", { digest: null }],
    ["its folder is missing", { folder: null }],
    ["its risk is missing", { tier: null }],
    ["its sandbox is missing", { sandbox: null }],
    ["it is another tool", { kind: "mcp_request" }],
    ["something in it can't be seen", { what: "git status\u202e" }],
    ["something in it looks like something else", { what: "git st\u0430tus" }],
  ] as const)("is not offered to be allowed when %s", async (_, change) => {
    const { shelf, gets } = room();
    await gets(notice(change));
    expect(shelf.shown[0]?.actions.some(({ action }) => action === "allow")).toBe(false);
  });

  it.each(["question", "plan"] as const)("of a %s has no buttons", async (kind) => {
    const { shelf, gets } = room();
    await gets(notice({ kind }));
    expect(shelf.shown[0]?.actions).toEqual([]);
  });

  it("of an approval takes the place of an earlier one of the same", async () => {
    const { shelf, gets } = room();
    await gets(notice({ waiting: 1 }));
    await gets(notice({ waiting: 2 }));
    expect(shelf.shown).toHaveLength(1);
  });

  it("marks what can't be seen in what agents wrote", async () => {
    const { shelf, gets } = room();
    await gets(notice({ session: "a\u202eb", whole: false }));
    expect(shelf.shown[0]?.body).not.toContain("\u202e");
  });

  it("of an end leads to its session", async () => {
    const { shelf, gets } = room();
    await gets(notice({ kind: "task_complete", approvalId: null, tag: `session/${ID}`, waiting: 0 }));
    await gets(notice({ kind: "task_error", approvalId: null, tag: "session/other", waiting: 1 }));
    expect(shelf.shown.map(({ title, body }) => [title, body])).toEqual([
      ["Finished", "Fix the login · api · atlas"],
      ["Stopped with an error", "Fix the login · api · atlas\n1 more waiting for you"],
    ]);
    expect((shelf.shown[0]?.data as NotificationData).path).toBe(`/sessions/${ID}`);
  });

  it("that counts, and one that tries, are one each for a machine", async () => {
    const { shelf, badges, gets } = room();
    await gets(notice({ kind: "digest", approvalId: null, tag: "digest", waiting: 4, session: null, project: null }));
    await gets(notice({ kind: "test", approvalId: null, tag: "test", waiting: 0 }));
    expect(shelf.shown.map(({ title, tag }) => [title, tag])).toEqual([
      ["4 approvals wait for you", `digest/${MACHINE}`],
      ["Notifications work", `test/${MACHINE}`],
    ]);
    expect(badges).toEqual([4]); // a test says nothing of what waits
  });

  it("speaks the language of the page", async () => {
    const { shelf, gets } = room();
    await gets(notice({}), "zh-Hans");
    expect([shelf.shown[0]?.title, shelf.shown[0]?.lang]).toEqual([chinese.asks.permission, "zh-Hans"]);
  });

  it("that settles takes its notification away, and says once a machine and without a sound what became of it", async () => {
    const { shelf, badges, gets } = room();
    const settles = { kind: "settled", session: null, project: null, outcome: "denied", waiting: 0 } as const;
    await gets(notice({}));
    await gets(notice({ ...settles }));
    expect(shelf.shown).toMatchObject([
      { title: "Denied", body: "Fix the login · api · atlas\nDecided elsewhere, or over", silent: true, renotify: false, actions: [] },
    ]);
    await gets(notice({ ...settles, approvalId: MACHINE_ID, tag: `approval/${MACHINE_ID}`, outcome: "over" }));
    expect(shelf.shown).toHaveLength(1);
    expect(shelf.shown[0]?.title).toBe("Not needed any more");
    expect(badges).toEqual([1, 0, 0]);
  });

  it.each([
    ["damaged", "{"],
    ["missing", null],
    ["of another machine", notice({ machineId: "0".repeat(32) })],
  ])("that is %s is shown as something, since a browser wants that", async (_, text) => {
    const { shelf, badges, gets } = room();
    await gets(text);
    expect(shelf.shown).toMatchObject([{ title: words.app, body: words.generic, actions: [], data: { path: "/", asked: null } }]);
    expect(badges).toEqual([]);
  });
});

const MACHINE_ID = "0198c1d0-0000-7000-8000-0000000000ca";
