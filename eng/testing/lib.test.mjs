// What eng/lib.sh holds for all scripts.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";

const LIB = resolve("eng/lib.sh");

/** `alone` with a command in a folder. `until(text)`: when it has said that; `ended`: its exit code. */
function alone(folder, ...command) {
  const child = spawn("bash", ["-c", '. "$0"; alone "$@"', LIB, ...command], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let said = "";
  let look = () => {};
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
    look();
  });
  return {
    until: (text) =>
      new Promise((seen, never) => {
        look = () => said.includes(text) && seen();
        child.on("close", () => never(new Error(`ended without "${text}": ${said}`)));
        look();
      }),
    said: () => said,
    ended: new Promise((end) => child.on("close", end)),
  };
}

test("of two builds that share libraries the second waits and says so", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketcoder-alone-"));
  try {
    const first = alone(folder, "sh", "-c", "echo one begins >> log; echo begun >&2; until [ -e go ]; do sleep 0.05; done; echo one ends >> log; exit 7");
    await first.until("begun");
    const second = alone(folder, "sh", "-c", "echo two >> log");
    await second.until("Waiting for it");
    writeFileSync(join(folder, "go"), "");
    assert.deepEqual(await Promise.all([first.ended, second.ended]), [7, 0]);
    assert.equal(readFileSync(join(folder, "log"), "utf8"), "one begins\none ends\ntwo\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("what a build leaves running keeps no other from building", async () => {
  const folder = mkdtempSync(join(tmpdir(), "pocketcoder-alone-"));
  try {
    assert.equal(await alone(folder, "sh", "-c", "sleep 60 > /dev/null 2>&1 & echo $! > pid").ended, 0);
    const second = alone(folder, "true");
    assert.equal(await second.ended, 0);
    assert.equal(second.said(), "");
  } finally {
    process.kill(Number(readFileSync(join(folder, "pid"), "utf8")));
    rmSync(folder, { recursive: true, force: true });
  }
});
