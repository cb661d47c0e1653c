import type { PushNotice } from "../protocol/generated";

export const MACHINE = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
export const ID = "0198c1d0-0000-7000-8000-000000000f01";

/** For tests: a notice of a short command that one tap may allow. */
export function sample(change: Partial<PushNotice>): PushNotice {
  return {
    v: 1,
    machineId: MACHINE,
    machine: "atlas",
    kind: "permission",
    tag: `approval/${ID}`,
    waiting: 1,
    at: "2026-11-25T10:00:00+00:00",
    approvalId: ID,
    agentSessionId: ID,
    digest: "9f".repeat(32),
    session: "Fix the login",
    project: "api",
    tier: "read",
    sandbox: "bubblewrap",
    what: "git status",
    whole: true,
    folder: "/home/ada/src/api",
    denies: true,
    ...change,
  };
}
