// The runner's own rules: what is run again, what counts as flaky, and what stays failed.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { plan } from "./plan.mjs";
import { run } from "./processes.mjs";
import { script, xunit } from "./reports.mjs";
import { MOST_FLAKY, retry } from "./retry.mjs";

const named = (name) => ({ name, error: "why", ms: 5, again: name.split("(")[0] });
const result = (passed, ...failed) => ({ passed, skipped: 0, failed: failed.map(named), tests: [] });
const seen = (name, status) => ({ ...named(name), status });

/** A step whose tests fail so many times as `failures` says, and the names that were run again. */
function stepOf(failures, more = {}) {
  const asked = [];
  const step = {
    name: "Some.Tests",
    tests: true,
    exact: () => false,
    async again(one) {
      asked.push(one.again);
      const still = Object.keys(failures).filter((name) => name.split("(")[0] === one.again && --failures[name] > 0);
      const ran = [...Object.keys(failures)].filter((name) => name.split("(")[0] === one.again);
      return { ...result(1, ...still), tests: ran.map((name) => seen(name, still.includes(name) ? "failed" : "passed")) };
    },
    ...more,
  };
  return { step, asked };
}

const retried = async (step, first, quarantined = () => false) => {
  const outcome = { step, result: first };
  const flaky = await retry([outcome], "nowhere", quarantined, () => undefined);
  return {
    flaky: flaky.map((f) => f.test),
    failed: outcome.result.failed.map((f) => f.name),
    passed: outcome.result.passed,
    broken: outcome.result.broken,
  };
};

test("what passes on one of two more tries is flaky, what fails three times is failed", async () => {
  const { step, asked } = stepOf({ once: 1, twice: 2, always: 9 });
  const said = await retried(step, result(10, "once", "twice", "always"));
  assert.deepEqual(said, { flaky: ["once", "twice"], failed: ["always"], passed: 12, broken: undefined });
  assert.deepEqual(asked, ["once", "twice", "always", "twice", "always"]);
});

test("cases of one method are run again together, and each is judged by itself", async () => {
  const { step, asked } = stepOf({ "M(1)": 1, "M(2)": 9 });
  const said = await retried(step, result(0, "M(1)", "M(2)"));
  assert.deepEqual([said.flaky, said.failed, asked], [["M(1)"], ["M(2)"], ["M", "M"]]);
});

test("what is exact or in quarantine is not run again", async () => {
  const exact = stepOf({ a: 1 }, { exact: () => true });
  assert.deepEqual((await retried(exact.step, result(1, "a"))).failed, ["a"]);
  const set = stepOf({ a: 1 });
  assert.deepEqual((await retried(set.step, result(1, "a"), () => true)).failed, ["a"]);
  assert.deepEqual([...exact.asked, ...set.asked], []);
});

test("a try in which the test was skipped, or did not occur, proves nothing", async () => {
  for (const tests of [[seen("a", "skipped")], [seen("b", "passed")]]) {
    const { step } = stepOf({}, { again: async () => ({ ...result(1), tests }) });
    assert.deepEqual((await retried(step, result(1, "a"))).failed, ["a"]);
  }
});

test("a browser script passes only as a whole: another check, or the same with other words, is no pass", async () => {
  const { step } = stepOf({}, { whole: true, again: async () => result(5, "tap: another reason") });
  assert.deepEqual((await retried(step, result(5, "tap: one reason"))).failed, ["tap: one reason"]);
  const none = stepOf({}, { whole: true, again: async () => result(0) });
  assert.deepEqual((await retried(none.step, result(5, "tap"))).failed, ["tap"]);
  const good = stepOf({}, { whole: true, again: async () => result(6) });
  assert.deepEqual((await retried(good.step, result(5, "tap"))).flaky, ["tap"]);
});

test("a try that crashes proves nothing", async () => {
  const { step } = stepOf({}, { again: async () => ({ ...result(0), broken: "crashed" }) });
  assert.deepEqual((await retried(step, result(1, "a"))).failed, ["a"]);
});

test("a program that crashed is started once more as a whole, and then only its tests", async () => {
  const { step } = stepOf({ a: 1 }, { run: async () => result(7, "a") });
  const said = await retried(step, { ...result(0), broken: "ended with code 134" });
  assert.deepEqual(said, { flaky: ["(the whole program)", "a"], failed: [], passed: 8, broken: undefined });
  const twice = stepOf({}, { run: async () => ({ ...result(0), broken: "again" }) });
  assert.equal((await retried(twice.step, { ...result(0), broken: "once" })).broken, "again");
});

test("what was not run, since something that it needs is broken, stays so", async () => {
  const { step } = stepOf({}, { run: () => assert.fail("it was run") });
  assert.deepEqual((await retried(step, { ...result(0), notRun: true })).flaky, []);
});

test("more failures than luck explains are not run again", async () => {
  const names = Array.from({ length: MOST_FLAKY + 1 }, (_, i) => `t${i}`);
  const { step, asked } = stepOf(Object.fromEntries(names.map((name) => [name, 1])));
  assert.equal((await retried(step, result(0, ...names))).failed.length, names.length);
  assert.deepEqual(asked, []);
});

test("the kinds that depend on no luck are exact", () => {
  const steps = plan({ quick: false, folder: "nowhere" });
  const exact = (name, again) => steps.find((step) => step.name === name).exact({ again });
  for (const name of ["Architecture", "Protocol", "Risk", "Ledger"]) assert.ok(exact(`PocketCoder.${name}.Tests`, "A.B"));
  assert.ok(exact("PocketCoder.Channel.Tests", "PocketCoder.Channel.Tests.Vectors.ChannelVectorTests.A"));
  assert.ok(!exact("PocketCoder.Cli.Tests", "PocketCoder.Cli.Tests.StartTests.A"));
  for (const step of steps)
    for (const need of step.needs)
      assert.ok(
        steps.some((other) => other.name === need),
        need,
      );
});

test("reports are read, and what is no report is none", () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketcoder-runner-"));
  const at = (name, content) => (writeFileSync(join(folder, name), content), join(folder, name));
  const extra = { type: "N.C", method: "M" };
  const tests = [
    { name: 'N.C.M(a: \\"x\\")', status: "failed", duration: 3, message: "bad\nmore", extra },
    { name: "N.C.M", status: "passed", duration: 1, extra },
    { name: "N.C.S", status: "skipped", duration: 0, extra },
  ];
  const read = xunit(at("good", JSON.stringify({ results: { tests } })));
  assert.deepEqual(
    [read.passed, read.skipped, read.failed[0].name, read.failed[0].error, read.failed[0].again],
    [1, 1, 'N.C.M(a: "x")', "bad", "N.C.M"],
  );
  assert.equal(xunit(at("half", '{"results": {"te')), null);
  assert.equal(xunit(join(folder, "none")), null);
  assert.deepEqual(
    script(at("script", "ok     a\nFAILED b: why\n1 passed, 1 failed\n")).failed.map((f) => f.name),
    ["b: why"],
  );
  assert.equal(script(at("skipped", "skipped: no browser\n")).skipped, 1);
  assert.equal(script(at("cut", "ok     a\n")), null);
  rmSync(folder, { recursive: true });
});

test("a program that hangs is ended with all that it started", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketcoder-runner-"));
  const output = join(folder, "out");
  const { code } = await run(["bash", "-c", "echo begun; sleep 600 & wait"], { limit: 0.5, output });
  assert.equal(code, 124);
  assert.equal((await run(["/no/such/program"], { limit: 5, output })).code, 127);
  rmSync(folder, { recursive: true });
});
