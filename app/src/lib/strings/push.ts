import type { PushNoticeKind, RiskTier, SandboxKind } from "../protocol/generated";

/**
 * The words of notifications. They are apart from the other catalogues and in no need of them: the worker that shows them is one small file without a page, and
 * takes its language from what the page left for it.
 */
export const push = {
  app: "PocketCoder",
  generic: "Something happened on your machine. Open the app to see it.",
  asks: {
    permission: "Approval needed",
    mcp_request: "Approval needed: a tool",
    question: "A question for you",
    plan: "A plan to look at",
  } as Partial<Record<PushNoticeKind, string>>,
  tiers: {
    read: "Read-only",
    workspace_write: "Changes the project",
    reaches_out: "Reaches outside",
    destructive: "Destructive",
  } satisfies Record<RiskTier, string>,
  sandboxes: {
    none: "no sandbox",
    bubblewrap: "sandboxed",
    docker: "sandboxed (Docker)",
    landlock: "reduced sandbox",
  } satisfies Record<SandboxKind, string>,
  folder: (path: string) => `in ${path}`,
  done: "Finished",
  failed: "Stopped with an error",
  waiting: (n: number) => (n === 1 ? "1 approval waits for you" : `${n} approvals wait for you`),
  others: (n: number) => `${n} more waiting for you`,
  test: "Notifications work",
  from: (machine: string) => `From ${machine}`,
  outcomes: { allowed: "Allowed", denied: "Denied", over: "Not needed any more" } as Record<string, string>,
  elsewhere: "Decided elsewhere, or over",
  actions: { allow: "Allow once", deny: "Deny" },
  sending: { allow: "Allowing…", deny: "Denying…" },
  sendingHow: "Asking the machine what it is, then signing.",
  recorded: { allow: "Allowed: recorded", deny: "Denied: recorded" },
  decided: { allow: "Not allowed", deny: "Not denied" },
  why: {
    over: "It was decided already, or waits no more.",
    changed: "The machine has something else than was shown here. Open the app and read it.",
    may_not: "This device may not decide. Open the app to see why.",
    alarm: "The machine's ledger is not the one that this device knows. Open the app.",
    unreachable: "The machine could not be reached, and nothing was sent. Open the app to decide.",
    unanswered: "It was sent and the machine has not answered. Open the app: it sends the same decision again, which counts once.",
    begun: "This device has already decided in the app. Open it to see how far that is.",
    refused: (code: string) => `The machine refused (${code}). Open the app.`,
  },
};

export type PushWords = typeof push;
