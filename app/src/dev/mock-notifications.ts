import type { PushSettings, PushState, Requests } from "$lib/protocol/generated";
import type { MockState } from "./mock-machine";
import type { Some } from "./mock-project-files";

type Types = Extract<keyof Requests, "presence" | `push_${string}`>;

/** A machine that takes any subscription and sends nothing. */
export function notificationAnswers(state: MockState): Some<Types> {
  let settings: PushSettings = {
    kinds: ["permission", "mcp_request", "question", "plan", "task_complete", "task_error"],
    quiet: null,
    digest: false,
    details: false,
    afterSeconds: 60,
  };
  let origin: string | null = null;
  const now = (): string => new Date().toISOString();
  const push = (): PushState => ({ key: "BCVxsr7N", origin, settings, last: null });
  return {
    presence: ({ visible }) => ({ visible }),
    push_settings_get: () => ({ push: push() }),
    push_settings_set: (request) => {
      settings = request.settings;
      return { push: push() };
    },
    push_subscribe: (request) => {
      origin = new URL(request.endpoint).origin;
      settings = request.settings ?? settings;
      return { push: push() };
    },
    push_unsubscribe: () => {
      origin = null;
      return { push: push() };
    },
    push_test: () => ({
      report: { at: now(), accepted: true, words: "The push service took it." },
      notice: {
        v: 1,
        machineId: state.machine.machineId,
        machine: state.machine.name,
        kind: "test",
        tag: "test",
        waiting: 0,
        at: now(),
        approvalId: null,
        agentSessionId: null,
        digest: null,
        session: null,
        project: null,
        tier: null,
        sandbox: null,
        what: null,
        whole: false,
        folder: null,
        denies: false,
        outcome: null,
        expiresAt: null,
      },
    }),
  };
}
