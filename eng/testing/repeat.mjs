// Runs one test many times while every processor is kept busy: what depends on luck shows itself.
import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { program } from "./plan.mjs";
import { run, tail, text } from "./processes.mjs";
import { xunit } from "./reports.mjs";

/** Runs the tests whose name ends with `name` `times` times, and resolves with the exit code: 0 when none failed. Each failure's output is printed. */
export async function repeat(times, name, folder, say) {
  if (!Number.isInteger(times) || times < 1 || !name) {
    say("See: ./test.sh --help");
    return 2;
  }
  const method = name.split(".").at(-1);
  const project = readdirSync("tests").find(
    (p) => p.endsWith(".Tests") && files(`tests/${p}`).some((path) => text(path).includes(` ${method}(`)),
  );
  if (!project) {
    say(`No test is called ${method}.`);
    return 2;
  }
  for (const step of ["restore", "build", "app", "agents"]) {
    const { code, output } = await run(["bash", "eng/testing/steps.sh", step], { limit: 1800, output: join(folder, step) });
    if (code !== 0) {
      say(tail(output, 60));
      return 1;
    }
  }
  const busy = Array.from({ length: availableParallelism() }, () => new Worker("for (;;);", { eval: true }));
  let failed = 0;
  for (let i = 1; i <= times; i++) {
    const output = join(folder, `${i}`);
    const options = [
      "--no-progress",
      "--max-threads",
      "1",
      "--filter-method",
      `*${name}`,
      "--results-directory",
      output,
      "--report-ctrf",
      "--report-ctrf-filename",
      "result.json",
    ];
    const { code, seconds } = await run([program(project), ...options], { limit: 900, output: `${output}.out` });
    const result = xunit(join(output, "result.json"));
    const good = code === 0 && result?.passed > 0;
    say(`${i} of ${times}: ${good ? "passed" : "FAILED"} (${seconds.toFixed(1)} s)`);
    if (!good) {
      failed++;
      say(tail(`${output}.out`, 60));
    }
  }
  for (const worker of busy) await worker.terminate();
  process.stdout.write(`${times - failed} passed, ${failed} failed\n`);
  return failed === 0 ? 0 : 1;
}

const files = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith(".cs"))
    .map((path) => `${folder}/${path}`);
