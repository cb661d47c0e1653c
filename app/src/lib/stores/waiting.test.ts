import { describe, expect, it } from "vitest";
import { approval, SESSION } from "../../dev/scenarios";
import type { ApprovalInfo } from "../protocol/generated";
import type { Route } from "../router/router.svelte";
import type { OwnDecision } from "./decisions";
import { othersWaiting } from "./waiting";

const asked = (id: string, session: string): ApprovalInfo => approval(id, session, { kind: "tool", tool: "WebFetch", input: "{}" });
const pending = [asked("a", SESSION.main), asked("b", SESSION.plan), asked("c", SESSION.main), asked("d", SESSION.working)];
const own = (state: OwnDecision["state"]): OwnDecision => ({
  decisionId: "x",
  verdict: "allow",
  scope: "once",
  state,
  answers: null,
  error: null,
});
const ids = (route: Route, decided: Readonly<Record<string, OwnDecision>> = {}): string =>
  othersWaiting(pending, (id) => decided[id] ?? null, route)
    .map((one) => one.approvalId)
    .join("");

describe("what else waits", () => {
  it("is all but the open decision, from the one after it on", () => {
    expect(ids({ name: "inbox", approvalId: "b" })).toBe("cda");
    expect(ids({ name: "inbox", approvalId: "d" })).toBe("abc");
    expect(ids({ name: "inbox", approvalId: "gone" })).toBe("abcd");
  });

  it("is all but the open session's own, which stand in its transcript and not in its terminal", () => {
    expect(ids({ name: "sessions", agentSessionId: SESSION.main })).toBe("bd");
    expect(ids({ name: "sessions", agentSessionId: SESSION.main, terminal: "main" })).toBe("abcd");
  });

  it("is everything inside a project or a new session", () => {
    expect(ids({ name: "project", projectId: "p", tab: "git", at: [] })).toBe("abcd");
    expect(ids({ name: "new", projectId: null })).toBe("abcd");
  });

  it("is without what this device decided already, unless that was refused", () => {
    expect(ids({ name: "inbox", approvalId: "a" }, { b: own("saved"), c: own("refused"), d: own("recorded") })).toBe("c");
  });
});
