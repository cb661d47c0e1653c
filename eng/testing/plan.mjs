// What a run consists of: its steps, in which order they begin, and how each is done. Lanes take steps, because no test keeps a processor busy all
// the time: one kind begins with the build and the .NET projects, the other with the app; who has no step of its own left helps the other.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run, tail } from "./processes.mjs";
import { script, vitest, xunit } from "./reports.mjs";

/** What is wrong every time is told first; then those that take longest, so that none runs alone at the end. */
const FIRST = ["Architecture", "Machine", "Cli", "EndToEnd", "Agents", "Sandboxes", "Risk"];
const SCRIPTS = ["policy", "walk", "stories", "firefox"];
/** These start the program, over and over. */
const STARTING = /^PocketCoder\.(Cli|EndToEnd)\.Tests$/;
/** They do no input or output that could be late: a test that fails once is wrong, so none is run again. */
const EXACT = /^PocketCoder\.(Architecture|Protocol|Risk|Ledger)\.Tests$/;
const EXACT_CLASS = /Vector/;
/** It takes longer than everything that can run beside it: what is slow in it, the real agents above all, is a step of its own. */
const IN_TWO = "PocketCoder.Machine.Tests";
const SLOW = "Category=Slow";

/**
 * The steps of a run. A step: `name`, `lane`, `needs` (names of steps that must have succeeded), `after` (of steps that must be over), `tests` (whether it runs tests), `run(output)` and, for
 * those whose tests can be run again alone, `again(test, output)`; both resolve with a result of reports.mjs that also has `broken`, which says why it is
 * none. `exact(test)`: never run again. `whole`: it is run again as a whole.
 */
export function plan({ quick, folder }) {
  const steps = [
    task("restore", 0, [], ["eng/testing/steps.sh", "restore"], 900),
    task("build", 0, ["restore"], ["eng/testing/steps.sh", "build"], 1800),
    task("app-build", 1, [], ["eng/testing/steps.sh", "app"], 900),
    ...(quick ? [] : [task("real-agents", 1, [], ["eng/testing/steps.sh", "agents"], 900)]),
    ...(quick ? [] : [task("program", 1, ["app-build"], ["eng/testing/steps.sh", "program"], 1800)]),
    ...projects(quick),
    check("runner", ["node", "--test", "eng/testing/"], ".", []),
    check("app-types", ["npm", "run", "--silent", "check"]),
    unitTests(),
    check("app-size", ["npm", "run", "--silent", "size"]),
    ...(quick ? [] : SCRIPTS.map((name) => appScript(name, folder))),
  ];
  return steps;
}

/** Something without tests of its own that the rest needs. */
function task(name, lane, needs, command, limit) {
  return {
    name,
    lane,
    needs,
    tests: false,
    async run(output) {
      const { code } = await run(["bash", ...command], { limit, output });
      return code === 0 ? none() : { ...none(), broken: `${name} ended with code ${code}`, said: tail(output, 60) };
    },
  };
}

/** A program that succeeds or does not, and does so every time. */
function check(name, command, cwd = "app", needs = ["app-build"]) {
  return {
    name,
    lane: 1,
    needs,
    tests: true,
    exact: () => true,
    async run(output) {
      const { code } = await run(command, { cwd, limit: 600, output });
      const test = { name: command.join(" "), error: `code ${code}`, ms: 0, again: "" };
      return code === 0
        ? { ...none(), passed: 1, said: tail(output, 1) }
        : { ...none(), failed: [test], tests: [test], said: tail(output, 60) };
    },
  };
}

function unitTests() {
  const once = async (output, ...more) => {
    const report = `${output}.json`;
    const { code } = await run(["npx", "--no-install", "vitest", "run", "--reporter=json", `--outputFile=${report}`, ...more], {
      cwd: "app",
      limit: 600,
      output,
    });
    return judged("vitest", vitest(report), code, output);
  };
  return {
    name: "app",
    lane: 1,
    needs: ["app-build"],
    tests: true,
    exact: () => false,
    run: (output) => once(output),
    again: (test, output) => once(output, test.again, "--no-file-parallelism"),
  };
}

/** In a browser on a mock machine. Its checks follow one another, so it is run again as a whole. */
function appScript(name, folder) {
  const once = async (output) => {
    const { code } = await run(["npm", "run", "--silent", name], {
      cwd: "app",
      env: { MOCK_APP: join(folder, "mock-app") },
      limit: 900,
      output,
    });
    return judged(name, script(output), code, output, /^ok /);
  };
  return {
    name: `app-${name}`,
    lane: 1,
    needs: ["app-build"],
    // The browser would take the processors from the build, for which all others wait. They share the app that the first of them builds.
    after: ["build", "program"].concat(SCRIPTS.slice(0, SCRIPTS.indexOf(name)).map((earlier) => `app-${earlier}`)),
    tests: true,
    exact: () => false,
    run: once,
    again: (_, output) => once(output),
    whole: true,
  };
}

function projects(quick) {
  const all = readdirSync("tests").filter((name) => /^PocketCoder\..*\.Tests$/.test(name));
  const place = (name) => (FIRST.indexOf(name.split(".")[1]) + 1 || FIRST.length + 1) * 1000 + all.indexOf(name);
  return all
    .sort((a, b) => place(a) - place(b))
    .filter((name) => !quick || name !== "PocketCoder.EndToEnd.Tests")
    .flatMap((name) =>
      quick
        ? [project(name, quick, name, ["--filter-not-trait", SLOW])]
        : name === IN_TWO
          ? [project(name, quick, `${name} (slow)`, ["--filter-trait", SLOW]), project(name, quick, name, ["--filter-not-trait", SLOW])]
          : [project(name, quick, name, [])],
    );
}

/** A test project, or those of its tests that pass the filter. What hangs is killed; that counts as a failure, like a crash or a run without any test. */
function project(name, quick, step, filter) {
  const starting = !quick && STARTING.test(name);
  // Tests run too briefly for what is compiled again with a profile.
  const env = { DOTNET_TieredPGO: "0", ...(starting ? { POCKETCODER_TEST_PROGRAM: "artifacts/testing/pocketcoder" } : {}) };
  const once = async (output, limit, ...more) => {
    const results = `${output}.results`;
    const options = ["--no-progress", "--results-directory", results, "--report-ctrf", "--report-ctrf-filename", "result.json", ...more];
    const { code } = await run([program(name), ...options], { limit, output, env });
    return judged(step, xunit(join(results, "result.json")), code, output);
  };
  return {
    name: step,
    lane: 0,
    needs: ["build", "app-build", ...(quick ? [] : ["real-agents"]), ...(starting ? ["program"] : [])],
    tests: true,
    exact: (test) => EXACT.test(name) || EXACT_CLASS.test(test.again),
    run: (output) => once(output, 2400, "--max-threads", "2", ...filter),
    again: (test, output) => once(output, 600, "--max-threads", "1", "--filter-method", test.again),
  };
}

export const program = (project) => `artifacts/bin/${project}/release/${project}`;

/** A report, or why there is none that counts. */
function judged(name, result, code, output, skip) {
  const said = () => tail(output, 250, skip);
  if (!result)
    return { ...none(), broken: code === 124 ? `${name} took too long` : `${name} ended with code ${code} and no report`, said: said() };
  if (result.passed + result.failed.length + result.skipped === 0) return { ...none(), broken: `${name} ran no test`, said: said() };
  if (result.failed.length > 0) return { ...result, said: said() };
  return code === 0 ? result : { ...result, broken: `${name} ended with code ${code}`, said: said() };
}

const none = () => ({ passed: 0, skipped: 0, failed: [], tests: [] });
