// Starts programs for the test run: each with a limit, its output in a file, in a group of its own that is ended with it.
import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";

const running = new Set();
const spent = new Map(); // by the output's path
let counted = 0;

/**
 * Runs `command` (a list) and resolves with `{ code, seconds, output }` when it has ended; never rejects for what the program does. A program that
 * runs longer than `limit` seconds is killed with all that it started: code 124. `output` is the path of the file that has all it printed.
 */
export function run(command, { cwd, env, limit, output }) {
  mkdirSync(dirname(output), { recursive: true });
  const file = openSync(output, "w");
  const began = performance.now();
  return new Promise((resolve) => {
    const child = spawn(command[0], command.slice(1), {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", file, file],
      detached: true,
    });
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      end(child, "SIGTERM");
      setTimeout(() => end(child, "SIGKILL"), 20_000).unref();
    }, limit * 1000);
    const ended = (code) => {
      clearTimeout(timer);
      running.delete(child);
      closeSync(file);
      const total = spentByChildren();
      spent.set(output, total - counted);
      counted = total;
      resolve({ code: late ? 124 : code, seconds: (performance.now() - began) / 1000, output });
    };
    running.add(child);
    child.once("error", () => ended(127));
    child.once("exit", (code, signal) => ended(signal ? 128 : code));
  });
}

/** The seconds of a processor that the last program with this output took, with all it waited for; not servers that it left, as the compiler's. 0 where the system does not say. */
export const processorSeconds = (output) => spent.get(output) ?? 0;

/** Ends everything that still runs; for an interrupted run. */
export function endAll() {
  for (const child of running) end(child, "SIGKILL");
}

/** The last `lines` lines of a file that a person can use: without empty ones and what `skip` fits. */
export function tail(path, lines, skip = /^\s*$|^\[\+/) {
  return text(path)
    .split("\n")
    .filter((line) => !skip.test(line))
    .slice(-lines)
    .join("\n");
}

/** A file's text, or nothing when it can't be read. */
export function text(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Of all programs that have ended: what was added since the last look is of the one that ended since. In ticks, a hundred a second on Linux (proc_pid_stat(5)). */
function spentByChildren() {
  const [user = 0, system = 0] = text("/proc/self/stat").split(") ").pop().split(" ").slice(13, 15).map(Number);
  return (user + system) / 100;
}

function end(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // it has ended already
  }
}
