// Runs what failed once more, alone: one test in a program of its own, with nothing beside it. What passes then is flaky; what fails three times is failed.
import { join } from "node:path";

const TRIES = 2;
/** So many tests of luck in one run are no luck any more. */
export const MOST_FLAKY = 15;

/**
 * Goes through the outcomes of a run (`{ step, result }`), replaces those of steps that broke by those of a second run, and resolves with the flaky tests:
 * `{ project, test, ms, error }`. A test that passed at last is taken out of its result's `failed` and counted as passed. `quarantined(test)` tests are left.
 */
export async function retry(outcomes, folder, quarantined, say) {
  const flaky = [];
  for (const outcome of outcomes) {
    const { step } = outcome;
    if (outcome.result.broken && step.tests) {
      const error = outcome.result.broken;
      say(`-- ${step.name} once more, as a whole: ${error}`);
      outcome.result = await step.run(join(folder, `${step.name}.again`));
      if (!outcome.result.broken) flaky.push({ project: step.name, test: "(the whole program)", ms: 0, error });
    }
    flaky.push(...(await retryTests(outcome, folder, quarantined, say)));
  }
  return flaky;
}

async function retryTests({ step, result }, folder, quarantined, say) {
  const flaky = [];
  let failed = result.failed.filter((test) => !step.exact(test) && !quarantined(test));
  // Far more than luck explains: nothing is gained by running them all again.
  if (!step.again || failed.length > MOST_FLAKY) return flaky;
  for (let attempt = 1; attempt <= TRIES && failed.length > 0; attempt++) {
    for (const again of new Set(failed.map((test) => test.again))) {
      const tests = failed.filter((test) => test.again === again);
      say(`-- ${step.name} once more, alone: ${again || step.name}`);
      const { broken, ...second } = await step.again(
        tests[0],
        join(folder, `${step.name}.again-${attempt}-${flaky.length}-${failed.length}`),
      );
      if (broken) continue;
      for (const test of tests.filter((t) => passedIn(second, t, step.whole))) {
        flaky.push({ project: step.name, test: test.name, ms: test.ms, error: test.error });
        result.failed.splice(result.failed.indexOf(test), 1);
        result.passed++;
        failed = failed.filter((t) => t !== test);
      }
    }
  }
  return flaky;
}

/** Whether a run shows that this test passed: it is not enough that it is not among those that failed, since it may have been skipped. */
function passedIn(result, test, whole) {
  if (whole) return result.failed.length === 0 && result.passed > 0;
  return result.tests.some((one) => one.name === test.name && one.status === "passed");
}
