// A long answer in the app, from its first delta until it is drawn: work and memory for one and for two megabytes, and what their ratio is (twice the text, twice the work).
//   node --expose-gc bench/long-answer.mjs
// No browser: what is measured is what the app does for each frame (joining the text, what is parsed of it) and for the finished answer. Prints one JSON line for each measurement.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const app = fileURLToPath(new URL("../app/", import.meta.url));
const { createServer } = createRequire(`${app}package.json`)("vite");
const server = await createServer({ root: app, server: { middlewareMode: true }, appType: "custom", logLevel: "error" });
const { Transcript } = await server.ssrLoadModule("/src/lib/transcript/transcript.ts");
const { PAGE, pagesOf } = await server.ssrLoadModule("/src/lib/text/long.ts");
const { parseMarkdown } = await server.ssrLoadModule("/src/lib/text/markdown.ts");

const DELTA = 200; // characters
const FRAME = 10; // deltas a frame
const line = "Words of the answer with **bold**, `code` and a [link](https://example.org), as agents write them.\n\n";

/** As RowView and Prose do: what is drawn of the row in this frame. */
const drawn = (row) => (row.live && row.text.length > PAGE ? row.tail.length : parseMarkdown(pagesOf(row.text)[0]).length);

function answer(size) {
  const text = line.repeat(Math.ceil(size / line.length)).slice(0, size);
  const transcript = new Transcript();
  globalThis.gc?.();
  const before = process.memoryUsage().heapUsed;
  const began = performance.now();
  let peak = 0;
  for (let offset = 0, at = 0; offset < size; offset += DELTA, at++) {
    transcript.applyDelta({ turnId: "t", blockId: "b", kind: "text", offset, text: text.slice(offset, offset + DELTA) });
    if (at % FRAME === 0) {
      drawn(transcript.rows().at(-1));
      if (at % 1000 === 0) peak = Math.max(peak, process.memoryUsage().heapUsed - before);
    }
  }
  transcript.apply({ kind: "text", blockId: "b", text, at: "2026-01-01T00:00:00Z", turnId: null, parentToolUseId: null }, 1);
  drawn(transcript.rows().at(-1));
  return { ms: performance.now() - began, peak: peak / 1e6 };
}

answer(500_000); // warms up
const median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
const [one, two] = [1, 2].map((megabytes) => {
  const runs = Array.from({ length: 5 }, () => answer(megabytes * 1_000_000));
  return { ms: median(runs.map((run) => run.ms)), peak: median(runs.map((run) => run.peak)) };
});
const say = (id, value) => console.log(JSON.stringify({ id, value: Math.round(value * 100) / 100 }));
say("long.1mb.ms", one.ms);
say("long.2mb.ms", two.ms);
say("long.2mb.heap.mb", two.peak);
say("long.ratio", two.ms / one.ms);
await server.close();
