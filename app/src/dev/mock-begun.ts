import type { AgentEventPayload, ConversationInfo, ImportedSpeaker, ProjectDefaults } from "$lib/protocol/generated";

export const NO_DEFAULTS: ProjectDefaults = { agent: null, mode: null, model: null, effort: null, sandbox: null };

/** What was begun in a terminal: one to go on with, one that is open, one that a session has, one of another folder. */
export function begunIn(directory: string, ours: string | null): ConversationInfo[] {
  const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const one = (n: number, title: string, more: Partial<ConversationInfo> = {}): ConversationInfo => ({
    agent: "claude",
    conversationId: `c0ffee00-0000-4000-8000-${n.toString(16).padStart(12, "0")}`,
    title,
    directory,
    updatedAt: at(n * 47),
    open: false,
    agentSessionId: null,
    ...more,
  });
  return [
    one(1, "Why does the login test fail only on Mondays", { open: true }),
    one(2, "Move the rate limiter into the gateway and keep its configuration where it is until all services are changed over"),
    one(3, "A title with \u202ean override in it", { agentSessionId: ours }),
    one(4, "In a folder beneath", { directory: `${directory}/packages/one` }),
  ];
}

/** What was said before the session began. */
export function begunTranscript(at: string): AgentEventPayload[] {
  const said = (who: ImportedSpeaker, text: string): AgentEventPayload => ({
    kind: "imported",
    who,
    text,
    saidAt: at,
    at,
    turnId: null,
    parentToolUseId: null,
  });
  return [
    said("person", "Move the rate limiter into the gateway.\nKeep its configuration."),
    said("agent", "I look at where it is used first. There are **three** callers:\n\n- `login`\n- `search`\n- `export`"),
    said("tool", "Bash: grep -rn RateLimiter src"),
    said("agent", "All three go through the gateway, so it can move."),
    {
      kind: "notice",
      level: "info",
      text: "This is a copy of a conversation that was begun in a terminal. That one stays as it is, and what happens here does not show up there.",
      at,
      turnId: null,
      parentToolUseId: null,
    },
  ];
}
