import type { CommandFavourite, CommandOutputPayload, CommandPolicy, CommandRunInfo, Envelope, Requests } from "$lib/protocol/generated";
import type { Ask, Refuse, Some } from "./mock-project-files";

type Types = Extract<keyof Requests, `command_${string}`>;
type Tell = (message: Pick<Envelope, "type" | "stream" | "epoch" | "seq" | "payload">) => void;

/** Commands that only seem to run: each writes a few lines; `sleep` goes on until it is stopped. */
export function runAnswers(tell: Tell, refuse: Refuse, ask: Ask): Some<Types> {
  const at = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
  const run = (runId: string, command: string, more: Partial<CommandRunInfo> = {}): CommandRunInfo => ({
    runId,
    projectId: "",
    command,
    cwd: null,
    by: "Pixel",
    sandbox: "bubblewrap",
    state: "exited",
    startedAt: at(30),
    endedAt: at(29.8),
    exitCode: 0,
    signal: null,
    truncated: false,
    bytes: 40,
    sha256: null,
    preview: "",
    timeoutSeconds: 120,
    error: null,
    ...more,
  });
  let runs: CommandRunInfo[] = [
    run("0198c1d0-0000-7000-8000-00000000e001", "npm test -- --run"),
    run("0198c1d0-0000-7000-8000-00000000e002", "npm run lint", { startedAt: at(90), endedAt: at(89.9), exitCode: 1 }),
  ];
  let favourites: CommandFavourite[] = [{ name: "npm test", command: "npm test -- --run" }];
  let policy: CommandPolicy = {
    otherwise: "allow",
    rules: [
      { verdict: "deny", pattern: "git push *" },
      { verdict: "ask", pattern: "rm -rf *" },
    ],
  };
  const written = "\u001b[32m✓\u001b[0m auth (12)\n✓ sessions (31)\nTests 43 passed\n";
  const put = (next: CommandRunInfo): CommandRunInfo => {
    runs = runs.map((other) => (other.runId === next.runId ? next : other));
    return next;
  };
  const find = (id: string | null | undefined): CommandRunInfo => runs.find((other) => other.runId === id) ?? refuse("RUN_NOT_FOUND");
  const output = (runId: string, offset: number, text: string, error = false): void => {
    const payload: CommandOutputPayload = {
      runId,
      offset,
      next: offset + text.length,
      stdoutChunk: error ? null : text,
      stderrChunk: error ? text : null,
    };
    tell({ type: "command_output", stream: `run/${runId}`, epoch: null, seq: null, payload });
  };
  const end = (info: CommandRunInfo): void =>
    tell({
      type: "command_exit",
      stream: `run/${info.runId}`,
      epoch: null,
      seq: null,
      payload: {
        runId: info.runId,
        exitCode: info.exitCode,
        signal: info.signal,
        timedOut: false,
        cancelled: info.state === "cancelled",
        truncated: false,
        run: info,
      },
    });
  return {
    command_exec: ({ runId, projectId, command, cwd = null, timeoutSeconds = 120 }) => {
      const ruled = (verdict: CommandPolicy["otherwise"]): string | undefined =>
        policy.rules.find((rule) => rule.verdict === verdict && command.startsWith(rule.pattern.replace("*", "")))?.pattern;
      const denied = ruled("deny");
      if (denied !== undefined) refuse("UNAUTHORIZED", { rule: denied });
      if (ruled("ask") !== undefined) {
        const asked = ask({ kind: "command", command, cwd: cwd ?? "", tool: "command", input: "" }, () => {
          runs = [run(runId, command, { projectId, cwd, timeoutSeconds, startedAt: at(0), endedAt: at(0) }), ...runs];
        });
        refuse("APPROVAL_REQUIRED", { approvalId: asked });
      }
      const started = run(runId, command, {
        projectId,
        cwd,
        timeoutSeconds,
        state: "running",
        startedAt: at(0),
        endedAt: null,
        exitCode: null,
      });
      runs = [started, ...runs];
      const lasting = command.startsWith("sleep");
      setTimeout(() => {
        output(runId, 0, lasting ? "waiting\n" : written);
        if (!lasting) end(put({ ...started, state: "exited", endedAt: at(0), exitCode: 0 }));
      }, 20);
      return { run: started, started: true };
    },
    command_cancel: ({ targetRequestId }) => {
      const known = find(targetRequestId);
      const over = put({ ...known, state: "cancelled", endedAt: at(0), signal: "SIGTERM" });
      setTimeout(() => end(over), 10);
      return { run: over };
    },
    command_read: ({ runId, offset = 0 }) => {
      const text = written.slice(offset);
      return { run: find(runId), chunks: text === "" ? [] : [{ offset, error: false, text }], next: written.length, kept: written.length };
    },
    command_runs_list: () => ({ runs, more: false }),
    command_policy_get: () => ({ policy }),
    command_policy_set: ({ policy: next }) => {
      policy = next;
      return { policy };
    },
    command_favourites_get: () => ({ favourites }),
    command_favourites_set: ({ favourites: next }) => {
      favourites = next;
      return { favourites };
    },
  };
}
