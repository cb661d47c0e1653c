import type { CommandExecRequest } from "../protocol/generated";
import { p } from "../strings/project";

/** What a person sets for a command beyond its line, as it stands in the form. */
export interface RunForm {
  readonly cwd: string;
  /** `NAME=value`, one a line; empty lines and lines that begin with `#` are left out. */
  readonly environment: string;
  readonly stdin: string;
  /** Whole seconds; empty: the machine's own. */
  readonly seconds: string;
}

export const EMPTY_FORM: RunForm = { cwd: "", environment: "", stdin: "", seconds: "" };

/** Limits of the machine (CommandLimits). */
export const MAX_SECONDS = 3600;
export const DEFAULT_SECONDS = 120;
const MAX_VARIABLES = 64;
const MAX_ENVIRONMENT = 16 * 1024;
const MAX_STDIN = 256 * 1024;

export type RunOptions = Pick<CommandExecRequest, "cwd" | "environment" | "stdin" | "timeoutSeconds">;

/** What goes to the machine, or what is wrong with the form, in words. */
export function runOptions(form: RunForm): RunOptions | { readonly problem: string } {
  const options: RunOptions = {};
  if (form.cwd.trim() !== "") options.cwd = form.cwd.trim();
  const variables = new Map<string, string>();
  for (const [at, line] of form.environment.split("\n").entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const named = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (!named) return { problem: p.runs.badVariable(at + 1) };
    variables.set(named[1] ?? "", named[2] ?? "");
  }
  if (variables.size > MAX_VARIABLES || bytesOf([...variables].flat().join("")) > MAX_ENVIRONMENT)
    return { problem: p.runs.badEnvironment };
  if (variables.size > 0) options.environment = Object.fromEntries(variables);
  if (bytesOf(form.stdin) > MAX_STDIN) return { problem: p.runs.badStdin };
  if (form.stdin !== "") options.stdin = form.stdin;
  if (form.seconds.trim() !== "") {
    const seconds = Number(form.seconds);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > MAX_SECONDS) return { problem: p.runs.badSeconds };
    options.timeoutSeconds = seconds;
  }
  return options;
}

/** What of the form is set, to be seen while it is closed. */
export function setParts(form: RunForm): string[] {
  return [
    form.cwd.trim() === "" ? "" : p.runs.setCwd(form.cwd.trim()),
    form.environment.trim() === "" ? "" : p.runs.setEnvironment,
    form.stdin === "" ? "" : p.runs.setStdin,
    form.seconds.trim() === "" ? "" : p.runs.setSeconds(form.seconds.trim()),
  ].filter((part) => part !== "");
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}
