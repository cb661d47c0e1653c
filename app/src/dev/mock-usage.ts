import type { BudgetInfo, BudgetScope, NamedUsage, Requests, UsageSum } from "$lib/protocol/generated";
import { daysTo } from "$lib/usage/sums";
import type { MockState } from "./mock-machine";
import type { Refuse, Some } from "./mock-project-files";

type Types = Extract<keyof Requests, "usage_get" | "budgets_list" | "budget_set" | "budget_remove">;

/** 0 to 1, the same for the same number. */
const chance = (n: number): number => Math.abs(Math.sin(n * 12.9898) * 43758.5453) % 1;

/** What was used: `tokens` of all kinds, most of them from the cache. */
const used = (tokens: number, price: number | null, more: Partial<UsageSum> = {}): UsageSum => {
  const requests = Math.max(1, Math.round(tokens / 40_000));
  return {
    requests,
    inputTokens: Math.round(tokens * 0.08),
    outputTokens: Math.round(tokens * 0.04),
    cacheReadTokens: Math.round(tokens * 0.8),
    cacheWriteTokens: Math.round(tokens * 0.08),
    costUsd: price === null ? null : (tokens * price) / 1_000_000,
    unpriced: price === null ? requests : 0,
    uncounted: 0,
    ownLogin: 0,
    ...more,
  };
};

const NOTHING: UsageSum = { ...used(0, null), requests: 0, unpriced: 0 };

/** What agents used, and its limits. A machine without sessions used nothing. The owner set one budget, as the real ones stand beside devices' own. */
export function usageAnswers(state: MockState, refuse: Refuse): Some<Types> {
  const today = new Date().toISOString().slice(0, 10);
  const setAt = new Date(Date.now() - 86_400_000 * 3).toISOString();
  const empty = state.sessions.length === 0;
  const [first, second] = state.sessions;
  let budgets: BudgetInfo[] = empty
    ? []
    : [
        {
          scope: "day",
          projectId: null,
          project: null,
          action: "stop",
          dollars: 20,
          tokens: null,
          setAt,
          setBy: null,
          use: { id: null, name: null, dollars: 3.42, tokens: 2_900_000, unpriced: 0 },
        },
        {
          scope: "session",
          projectId: null,
          project: null,
          action: "ask",
          dollars: 5,
          tokens: 4_000_000,
          setAt,
          setBy: "Pixel 9",
          use: { id: first?.agentSessionId ?? null, name: first?.title ?? null, dollars: 4.31, tokens: 3_650_000, unpriced: 0 },
        },
      ];
  const days: NamedUsage[] = empty
    ? []
    : daysTo(today, 45)
        .map((day, at) => ({
          id: day,
          name: day,
          used: used(Math.round(chance(at + 3) * 6_000_000), 1.18, at % 9 === 4 ? { unpriced: 3 } : {}),
        }))
        .filter((day, at) => at % 7 !== 5 || day.id === today)
        .reverse();
  const same = (budget: BudgetInfo, scope: BudgetScope, projectId: string | null): boolean =>
    budget.scope === scope && budget.projectId === projectId;
  return {
    usage_get: ({ days: count }) => {
      const scale = (count ?? 90) / 7;
      const name = (id: string, title: string | null, tokens: number, price: number | null, more: Partial<UsageSum> = {}): NamedUsage => ({
        id,
        name: title,
        used: used(Math.round(tokens * scale), price, more),
      });
      const models = empty
        ? []
        : [
            name("claude-opus-4-5", "claude-opus-4-5", 14_200_000, 1.42),
            name("gpt-5.1-codex", "gpt-5.1-codex", 5_600_000, 0.61, { uncounted: 2 }),
            name("qwen3-coder", "qwen3-coder", 1_900_000, null),
          ];
      const all = models.map((model) => model.used);
      const add = (of: (sum: UsageSum) => number): number => all.reduce((so, sum) => so + of(sum), 0);
      return {
        pricesAsOf: "2026-10-24",
        today,
        total: empty
          ? NOTHING
          : {
              requests: add((sum) => sum.requests),
              inputTokens: add((sum) => sum.inputTokens),
              outputTokens: add((sum) => sum.outputTokens),
              cacheReadTokens: add((sum) => sum.cacheReadTokens),
              cacheWriteTokens: add((sum) => sum.cacheWriteTokens),
              costUsd: add((sum) => sum.costUsd ?? 0),
              unpriced: add((sum) => sum.unpriced),
              uncounted: add((sum) => sum.uncounted),
              ownLogin: 12,
            },
        days,
        models,
        projects: empty
          ? []
          : [
              ...state.projects.slice(0, 2).map((project, at) => name(project.projectId, project.name, 12_000_000 / (at + 1), 1.2)),
              name("0198c1d0-0000-7000-8000-0000000000ff", null, 900_000, 1.1),
            ],
        sessions: empty
          ? []
          : [
              ...state.sessions.slice(0, 7).map((session, at) => name(session.agentSessionId, session.title, 8_000_000 / (at + 1), 1.25)),
              name("0198c1d0-0000-7000-8000-0000000000fe", null, 400_000, 1.2, { ownLogin: 12 }),
            ],
        modelsLeft: 0,
        projectsLeft: 0,
        sessionsLeft: empty ? 0 : 14,
        directSessions: empty ? 0 : 1,
      };
    },
    budgets_list: () => ({ budgets }),
    budget_set: ({ scope, projectId, action, dollars, tokens }) => {
      if (!state.scopes.includes("manage")) return refuse("UNAUTHORIZED");
      const budget: BudgetInfo = {
        scope,
        projectId,
        project: state.projects.find((project) => project.projectId === projectId)?.name ?? null,
        action,
        dollars,
        tokens,
        setAt: new Date().toISOString(),
        setBy: state.devices[0]?.name ?? "phone",
        use:
          scope === "session"
            ? { id: second?.agentSessionId ?? null, name: second?.title ?? null, dollars: 1, tokens: 1000, unpriced: 0 }
            : null,
      };
      budgets = [...budgets.filter((one) => one.setBy === null || !same(one, scope, projectId)), budget];
      return { budget };
    },
    budget_remove: ({ scope, projectId }) => {
      const theirs = budgets.filter((one) => same(one, scope, projectId));
      const own = theirs.find((one) => one.setBy !== null);
      if (!state.scopes.includes("manage") || (!own && theirs.length > 0)) return refuse("UNAUTHORIZED");
      budgets = budgets.filter((one) => one !== own);
      return { was: own !== undefined };
    },
  };
}
