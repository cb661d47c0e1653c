// What a run leaves on the machine, and which tests are in quarantine.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { program } from "./plan.mjs";

const QUARANTINED = '[Trait("Quarantined", ';

/** The sandboxes that are there: the first process and the mount of each. */
export function sandboxes() {
  const found = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    if (read(`/proc/${pid}/cmdline`).includes("/run/hands/holder.sh")) found.push(`process ${pid} of a sandbox`);
  }
  for (const line of read("/proc/self/mounts").split("\n")) {
    if (line.includes("/own/workspace ")) found.push(`mount ${line.split(" ")[1]}`);
  }
  return found;
}

/** Those of now that were not there `before`, after giving them 30 s to end. What an earlier run left is not this one's. */
export async function leftBehind(before) {
  const known = new Set(before);
  for (const end = Date.now() + 30_000; ; await delay(500)) {
    const left = sandboxes().filter((one) => !known.has(one));
    if (left.length === 0 || Date.now() > end) return left;
  }
}

/** The names of all tests in quarantine, as their programs list them. */
export function quarantinedNames() {
  const projects = readdirSync("tests").filter(
    (name) => name.endsWith(".Tests") && sources(`tests/${name}`).some((path) => read(path).includes(QUARANTINED)),
  );
  return new Set(
    projects.flatMap((name) =>
      execFileSync(program(name), ["--list-tests", "--no-ansi", "--filter-trait", "Quarantined=*"], { encoding: "utf8", timeout: 60_000 })
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line.startsWith("PocketCoder.")),
    ),
  );
}

const sources = (folder) =>
  readdirSync(folder, { recursive: true })
    .filter((path) => path.endsWith(".cs"))
    .map((path) => `${folder}/${path}`);

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // it has ended, or is somebody else's
  }
}
