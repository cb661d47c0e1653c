// Reads what the test programs report. A result: { passed, skipped, failed: [Test], tests: [Test] }; a Test: { name, error, ms, again }, where `again` is
// what picks it out when it is run once more.
import { text } from "./processes.mjs";

const NOTHING = { passed: 0, skipped: 0, failed: [], tests: [] };

/** A report in the Common Test Report Format, as xunit writes it; null when there is none. */
export function xunit(path) {
  const results = json(path)?.results;
  if (!results) return null;
  const tests = results.tests.map((t) => ({
    name: unquoted(t.name),
    status: t.status,
    error: firstLine(t.message),
    ms: t.duration,
    again: `${t.extra.type}.${t.extra.method}`,
  }));
  return summary(tests);
}

/** The report of vitest; null when there is none. A file that did not load counts as one failed test. */
export function vitest(path) {
  const report = json(path);
  if (!report) return null;
  const tests = report.testResults.flatMap((file) =>
    file.status === "failed" && file.assertionResults.length === 0
      ? [{ name: `${file.name.split("/").pop()} did not run`, status: "failed", error: firstLine(file.message), ms: 0, again: file.name }]
      : file.assertionResults.map((t) => ({
          name: oneLine(t.fullName),
          status: t.status === "passed" || t.status === "failed" ? t.status : "skipped",
          error: firstLine(t.failureMessages?.[0]),
          ms: t.duration ?? 0,
          again: file.name,
        })),
  );
  return summary(tests);
}

/** The output of one of the app's scripts, whose last line is "N passed, N failed" or "skipped: why"; null when it did not come so far. */
export function script(path) {
  const lines = text(path).trimEnd().split("\n");
  if (lines.at(-1).startsWith("skipped: ")) return { ...NOTHING, skipped: 1 };
  const counts = /^(\d+) passed, (\d+) failed$/.exec(lines.at(-1));
  if (!counts) return null;
  const names = lines.filter((line) => line.startsWith("FAILED ")).map((line) => oneLine(line.slice(7)).trim());
  const failed = Array.from({ length: Number(counts[2]) }, (_, i) => ({
    name: names[i] ?? `check ${i + 1}`,
    status: "failed",
    error: "",
    ms: 0,
    again: "",
  }));
  return { ...NOTHING, passed: Number(counts[1]), failed };
}

function summary(tests) {
  const of = (status) => tests.filter((t) => t.status === status);
  return { passed: of("passed").length, skipped: tests.length - of("passed").length - of("failed").length, failed: of("failed"), tests };
}

function json(path) {
  try {
    return JSON.parse(text(path));
  } catch {
    return null;
  }
}

const oneLine = (words) => words.replaceAll(/\s*\n\s*/g, " ");
// xunit writes quotes in a case's name with backslashes that belong to JSON.
const unquoted = (name) => oneLine(name).replaceAll('\\"', '"');
const firstLine = (words) => (words ?? "").trim().split("\n")[0].slice(0, 300);
