import type { PushNotice, PushReport, PushSettings, PushState, Requests } from "$lib/protocol/generated";
import type { MockState } from "./mock-machine";
import type { Refuse, Some } from "./mock-project-files";

type Types = Extract<keyof Requests, "presence" | `push_${string}`>;

/** A point of P-256: a browser takes no other key. */
const KEY = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";

/** A machine that takes any subscription and sends nothing. */
export function notificationAnswers(state: MockState, refuse: Refuse): Some<Types> {
  let settings: PushSettings = {
    kinds: ["permission", "mcp_request", "question", "plan", "task_complete", "task_error"],
    quiet: null,
    digest: false,
    details: false,
    afterSeconds: 60,
  };
  let origin: string | null = null;
  let last: PushReport | null = null;
  const on = (): void => {
    if (origin === null) refuse("CONFLICT");
  };
  const now = (): string => new Date().toISOString();
  const push = (): PushState => ({ key: KEY, origin, settings, last });
  return {
    presence: ({ visible }) => ({ visible }),
    push_settings_get: () => ({ push: push() }),
    push_settings_set: (request) => {
      on();
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
    push_test: () => {
      on();
      last = { at: now(), accepted: true, words: "The push service took it." };
      return { report: last, notice: testNotice(state, now()) };
    },
  };
}

function testNotice(state: MockState, at: string): PushNotice {
  return {
    v: 1,
    machineId: state.machine.machineId,
    machine: state.machine.name,
    kind: "test",
    tag: "test",
    waiting: 0,
    at,
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
  };
}
