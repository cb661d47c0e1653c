// Runs the tests; test.sh calls it when the machine has what it needs. Options: those of test.sh.
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leftBehind, quarantinedNames, sandboxes } from "./machine.mjs";
import { plan } from "./plan.mjs";
import { endAll, processorSeconds } from "./processes.mjs";
import { repeat } from "./repeat.mjs";
import { MOST_FLAKY, retry } from "./retry.mjs";

const REPORTS = "artifacts/test-results";
const SLOWEST = 20;

const words = process.argv.slice(2);
const quick = words.includes("--quick");
const only = words.filter((word) => !word.startsWith("-"));
const folder = mkdtempSync(join(tmpdir(), "pocketcoder-tests-"));
const say = (line) => process.stderr.write(`${line}\n`);

process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
// A defect of the runner itself must not look like a run without a result.
process.on("uncaughtException", (error) => {
  endAll();
  process.stdout.write(`\nFailed:\n  the runner: ${error.stack}\n\n0 passed, 1 failed\n`, () => process.exit(1));
});
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    endAll();
    process.exit(130);
  });
}

if (words[0] === "--repeat") process.exit(await repeat(Number(words[1]), words[2], folder, say));

const before = sandboxes();
const steps = selected(plan({ quick, folder }));
const outcomes = await inLanes(steps);
const quarantined = quarantinedIn(outcomes);
const flaky = await retry(outcomes, folder, quarantined, say);
const failures = outcomes.flatMap(({ step, result }) => [
  ...result.failed.filter((test) => !quarantined(test)).map((test) => `${step.name}: ${test.name}`),
  ...(result.broken ? [result.broken] : []),
]);
if (flaky.length > MOST_FLAKY) failures.push(`${flaky.length} tests were flaky; at most ${MOST_FLAKY} may be`);
// Only where nothing else runs: beside another run these are its own.
const left = process.env.CI && only.length === 0 ? await leftBehind(before) : [];
if (left.length > 0) failures.push(`left behind: ${left.join(", ")}`);
report();

/** The steps that were asked for, and what they need. */
function selected(all) {
  const asked = all.filter((step) => step.tests && (only.length === 0 || only.some((word) => step.name.includes(word))));
  if (asked.length === 0) {
    say(`No test project has ${only.join(" or ")} in its name.`);
    process.exit(2);
  }
  const names = new Set(asked.map((step) => step.name));
  const add = (step) => {
    names.add(step.name);
    for (const need of step.needs) add(all.find((other) => other.name === need));
  };
  asked.forEach(add);
  return all.filter((step) => names.has(step.name));
}

/** Does all steps, three at a time, and resolves with their outcomes in the order of the plan. What needs a step that broke is not run. */
async function inLanes(all) {
  const outcomes = new Map();
  const begun = new Set();
  let wake = [];
  const ended = (step, result) => {
    outcomes.set(step.name, { step, result });
    for (const resume of wake.splice(0)) resume();
  };
  const isOver = (name) => outcomes.has(name) || !all.some((step) => step.name === name);
  const isBad = (name) => outcomes.get(name)?.result.broken || outcomes.get(name)?.result.notRun;

  async function lane(number) {
    while (begun.size < all.length) {
      for (const step of all.filter((s) => !begun.has(s) && s.needs.some(isBad))) {
        begun.add(step);
        ended(step, { passed: 0, skipped: 0, failed: [], tests: [], notRun: true });
      }
      const ready = all.filter((s) => !begun.has(s) && [...s.needs, ...(s.after ?? [])].every(isOver));
      const step = ready.find((s) => s.lane === number) ?? ready[0];
      if (!step) {
        if (begun.size < all.length) await new Promise((resolve) => wake.push(resolve));
        continue;
      }
      begun.add(step);
      const began = performance.now();
      say(`-- ${step.name}`);
      const result = await step.run(join(folder, step.name));
      result.seconds = Math.round((performance.now() - began) / 100) / 10;
      result.processor = Math.round(processorSeconds(join(folder, step.name)));
      tell(step, result);
      ended(step, result);
    }
  }

  // Two of the first kind: a test project waits for other programs half of its time.
  await Promise.all([lane(0), lane(1), lane(0)]);
  return all.map((step) => outcomes.get(step.name));
}

function tell(step, result) {
  say(`== ${step.name} (${Math.round(result.seconds)} s)`);
  if (result.said) say(result.said);
  if (step.tests) say(`   ${result.passed} passed, ${result.failed.length} failed, ${result.skipped} skipped`);
}

function quarantinedIn(all) {
  if (all.every(({ result }) => result.failed.length === 0)) return () => false;
  const names = existsSync("artifacts/bin") ? quarantinedNames() : new Set();
  return (test) => names.has(test.name);
}

function report() {
  const sum = (of) => outcomes.reduce((total, { result }) => total + of(result), 0);
  const set = outcomes.flatMap(({ step, result }) =>
    result.failed.filter(quarantined).map((test) => `${step.name}: ${test.name}: ${test.error}`),
  );
  const slowest = outcomes
    .flatMap(({ step, result }) => result.tests.map((test) => ({ project: step.name, test: test.name, ms: Math.round(test.ms) })))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, SLOWEST);
  const times = outcomes
    .filter(({ result }) => result.seconds)
    .map(({ step, result }) => ({ step: step.name, seconds: result.seconds, processor: result.processor }));
  write({ "flaky.json": flaky, "times.json": { steps: times, slowest } });

  list(
    "Seconds, and those of a processor",
    [...times]
      .sort((a, b) => b.seconds - a.seconds)
      .map(({ step, seconds, processor }) => `${seconds.toFixed(0).padStart(5)} ${processor.toFixed(0).padStart(5)}  ${step}`),
  );
  list(
    "Slowest",
    slowest.map(
      ({ project, test, ms }) => `${(ms / 1000).toFixed(1).padStart(7)}  ${test.startsWith("PocketCoder.") ? test : `${project}: ${test}`}`,
    ),
  );
  list(
    "Not run",
    outcomes.filter(({ result }) => result.notRun).map(({ step }) => step.name),
  );
  list("Quarantined", set);
  list(
    "Flaky",
    flaky.map(({ project, test, ms, error }) => `${project}: ${test} (${(ms / 1000).toFixed(1)} s): ${error}`),
  );
  list("Failed", failures);

  const skipped = sum((r) => r.skipped) + set.length;
  const line = `${sum((r) => r.passed)} passed, ${failures.length} failed`;
  process.stdout.write(`\n${skipped > 0 ? `${line}, ${skipped} skipped` : line}\n`, () => process.exit(failures.length === 0 ? 0 : 1));
}

/** What a later look needs, in a folder of the checkout: the lists, and the report of each project. */
function write(files) {
  rmSync(REPORTS, { recursive: true, force: true });
  mkdirSync(REPORTS, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(REPORTS, name), `${JSON.stringify(content, null, 2)}\n`);
  for (const { step } of outcomes) {
    const file = join(folder, `${step.name}.results`, "result.json");
    if (existsSync(file)) cpSync(file, join(REPORTS, `${step.name}.json`));
  }
}

function list(title, lines) {
  if (lines.length > 0) process.stdout.write(`\n${title}:\n${lines.map((line) => `  ${line}\n`).join("")}`);
}
