import type { AgentInfo, ModelInfo } from "../protocol/generated";

/** The efforts to offer for a model: what the agent knows, held to what the model is said to know. Empty: nothing to choose. */
export function effortsFor(agent: AgentInfo | undefined, models: readonly ModelInfo[], model: string | null): readonly string[] {
  const all = agent?.efforts ?? [];
  const own = models.find((other) => other.id === model)?.efforts;
  return own ? all.filter((effort) => own.includes(effort)) : all;
}

/** How full a conversation is, in whole percent; null when its window is not known. */
export function percent(used: number, window: number | null): number | null {
  return window === null || window <= 0 ? null : Math.min(100, Math.round((used / window) * 100));
}
