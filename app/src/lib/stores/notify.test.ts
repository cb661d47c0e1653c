import { describe, expect, it } from "vitest";
import { scenario } from "../../dev/scenarios";
import { parseRoute } from "../router/router.svelte";
import { noticesFor } from "./notify";

const names = () => ({ agent: "Claude Code", session: "Fix the login", project: "api", machine: null });
const M = "ab".repeat(16);
const approvals = async () => (await scenario("rich")).approvals;
/** Every text of a subject, however deep. */
const texts = (value: unknown): string[] =>
  typeof value === "string" ? [value] : typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];

describe("a notification", () => {
  it("names the session and the project, and counts what else waits", async () => {
    const [first] = await approvals();
    if (!first) throw new Error("no approval");
    expect(noticesFor(M, [first], 3, names)).toEqual([
      {
        title: "Claude Code wants to run a command",
        body: "Fix the login · api · 2 more waiting for you",
        tag: `approval/${M}/${first.approvalId}`,
        machine: M,
        path: `/approvals/${first.approvalId}`,
      },
    ]);
    expect(noticesFor(M, [first], 1, names)[0]?.body).toBe("Fix the login · api");
    expect(noticesFor(M, [first], 1, () => ({ ...names(), machine: "atlas" }))[0]?.body).toBe("atlas · Fix the login · api");
  });

  it("leads to its own approval, and has a tag of its own", async () => {
    const all = await approvals();
    const notices = all.flatMap((approval) => noticesFor(M, [approval], 1, names));
    expect(new Set(notices.map((notice) => notice.tag)).size).toBe(all.length);
    expect(notices.map((notice) => parseRoute(notice.path))).toEqual(
      all.map((approval) => ({ name: "inbox", approvalId: approval.approvalId })),
    );
  });

  it("has nothing in it of what is asked, whatever kind that is", async () => {
    for (const approval of await approvals()) {
      const said = JSON.stringify(noticesFor(M, [approval], 1, names));
      const words = texts({ ...approval.subject, kind: "", operation: "" })
        .concat(approval.reason ?? "", approval.risk?.consequences.map((one) => one.sentence) ?? [])
        .filter((text) => text.length > 3 && !["WebFetch"].includes(text));
      expect(words.filter((text) => said.includes(text))).toEqual([]);
    }
  });

  it("is one when many came at once, and says how many", async () => {
    const all = (await approvals()).slice(0, 8);
    const notices = noticesFor(M, all, 8, names);
    expect(notices).toHaveLength(1);
    expect(notices[0]?.body).toContain("7 more waiting");
  });

  it("marks what can't be seen in a title, and cuts a long one", async () => {
    const [first] = await approvals();
    if (!first) throw new Error("no approval");
    const [notice] = noticesFor(M, [first], 1, () => ({
      agent: "a",
      session: `evil\u202e${"x".repeat(200)}\nsecond line`,
      project: null,
      machine: null,
    }));
    expect(notice?.body).not.toContain("\u202e");
    expect(notice?.body).not.toContain("second");
    expect(notice?.body.length).toBeLessThanOrEqual(60);
  });
});
