// How the app does under load, in Chromium on the mock machine: an edit of 20,000 lines opened (one after the other and side by side), an answer of 500 tokens as
// it comes, a session of 10,000 events opened, memory after an hour of work. Prints one line each.
// Usage: node scripts/measure.mjs [edit|answer|open|hour]
import { chromium } from "playwright-core";
import { mockApp } from "./mock-app.mjs";
import { BROWSER, serve } from "./serving.mjs";

const S = (n) => `0198c1d0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const OPENINGS = 10;
const RUNS = 5;
/** A phone's processor, beside that of a computer. */
const SLOW = 4;
const [, , only] = process.argv;
const app = await mockApp();
const { server, base } = await serve(app.folder);
const browser = await chromium.launch({ ...BROWSER, args: [...BROWSER.args, "--enable-precise-memory-info"] });

const sorted = (values) => [...values].sort((a, b) => a - b);
const spread = (values, digits = 0) => {
  const all = sorted(values);
  const say = (value) => value.toFixed(digits);
  return `${say(all[0])} to ${say(all.at(-1))}, median ${say(all[Math.floor(all.length / 2)])}`;
};

/** A page, and what slows its processor down. */
async function pageAt(path, viewport = { width: 390, height: 844 }) {
  const page = await browser.newPage({ viewport });
  const cdp = await page.context().newCDPSession(page);
  await page.goto(`${base}${path}`);
  return { page, cdp, slow: (rate) => cdp.send("Emulation.setCPUThrottlingRate", { rate }) };
}

async function heapOf({ cdp }) {
  await cdp.send("HeapProfiler.collectGarbage");
  return (await cdp.send("Runtime.getHeapUsage")).usedSize / 1e6;
}

async function edit(name, viewport, sides) {
  const { page, cdp, slow } = await pageAt("/?mock=rich", viewport);
  if (sides) {
    await page.evaluate(() => localStorage.setItem("pocketcoder-diff-sides", "on"));
    await page.reload();
  }
  await page.getByTestId("inbox-count").waitFor();
  // Every other time at full speed, for the processor time that it takes: other programs on the machine hardly count in that.
  await cdp.send("Performance.enable", { timeDomain: "threadTicks" });
  const busy = async () => (await cdp.send("Performance.getMetrics")).metrics.find((metric) => metric.name === "TaskDuration").value * 1000;
  const took = [];
  const worked = [];
  let elements = 0;
  for (let opening = 0; opening < 2 * OPENINGS; opening++) {
    const slowly = opening % 2 === 0;
    const [id] = await page.evaluate(() => globalThis.mock.askEdit("20000"));
    await page.locator(`a[href$="${id}"]`).waitFor();
    if (slowly) await slow(SLOW);
    const before = await busy();
    const ms = await page.evaluate(
      async ({ id, drawn }) => {
        const began = performance.now();
        document.querySelector(`a[href$="${id}"]`).click();
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        while (!document.querySelector(`[data-approval="${id}"] [data-block] ${drawn}`)) await frame();
        await frame();
        await frame();
        return performance.now() - began;
      },
      { id, drawn: sides ? ".pair" : ".line" },
    );
    if (slowly) took.push(ms);
    else worked.push((await busy()) - before);
    await slow(1);
    elements = await page.evaluate(() => document.querySelectorAll("*").length);
    await page.goBack();
  }
  await page.close();
  console.log(
    `20,000 lines, ${name}, processor at 1/${SLOW}: ${spread(took)} ms; at full speed ${spread(worked)} ms of processor time; ${elements} elements`,
  );
}

async function answer(rate) {
  const { page, slow } = await pageAt(`/sessions/${S(101)}?mock=rich`);
  await page.getByTestId("transcript").locator(".item").first().waitFor();
  await slow(rate);
  const runs = [];
  for (let run = 0; run < RUNS; run++)
    runs.push(
      await page.evaluate(async (id) => {
        const frames = [];
        let last = performance.now();
        let on = true;
        const look = (now) => {
          frames.push(now - last);
          last = now;
          if (on) requestAnimationFrame(look);
        };
        requestAnimationFrame(look);
        await globalThis.mock.answer(id, "500", "80");
        on = false;
        frames.shift();
        return { frames: frames.length, late: frames.filter((ms) => ms > 25).length, longest: Math.max(...frames) };
      }, S(101)),
    );
  await page.close();
  console.log(
    `500 tokens, 80 a second, processor at 1/${rate}: ${spread(runs.map((run) => run.late))} of about ${runs[0].frames} frames over 25 ms; longest frame ${spread(runs.map((run) => run.longest))} ms`,
  );
}

async function open() {
  const took = [];
  const heaps = [];
  for (let run = 0; run < RUNS; run++) {
    const of = await pageAt("/sessions?mock=big");
    const { page, slow } = of;
    const row = page.locator(`a[href$="${S(107)}"]`).first();
    await row.waitFor();
    await slow(SLOW);
    took.push(
      await page.evaluate(async (id) => {
        const began = performance.now();
        document.querySelector(`a[href$="${id}"]`).click();
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        const list = () => document.querySelector('[data-testid="transcript"]');
        while (!list() || list().scrollHeight < 100_000 || list().scrollHeight - list().scrollTop - list().clientHeight > 50) await frame();
        await frame();
        return performance.now() - began;
      }, S(107)),
    );
    await slow(1);
    heaps.push(await heapOf(of));
    await page.close();
  }
  console.log(`10,000 events, processor at 1/${SLOW}: open in ${spread(took)} ms; heap ${spread(heaps, 1)} MB`);
}

/** An event a second, with the deltas of its answers; the hour itself is not waited for. The mock machine keeps the events too: they are in both numbers. */
async function hour() {
  const EVENTS = 3600;
  const before = [];
  const after = [];
  const later = [];
  for (let run = 0; run < RUNS; run++) {
    const of = await pageAt(`/sessions/${S(103)}?mock=rich`);
    const { page } = of;
    await page.getByTestId("transcript").locator(".item").first().waitFor();
    before.push(await heapOf(of));
    await page.evaluate(({ id, events }) => globalThis.mock.work(id, events), { id: S(103), events: String(EVENTS) });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    after.push(await heapOf(of));
    await page.evaluate(({ id, events }) => globalThis.mock.work(id, events), { id: S(103), events: String(EVENTS) });
    await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
    later.push(await heapOf(of));
    await page.close();
  }
  console.log(
    `an hour of work (${EVENTS} events) in an open session: heap ${spread(before, 1)} MB before, ${spread(after, 1)} MB after, ${spread(later, 1)} MB after another`,
  );
}

const parts = {
  edit: async () => {
    await edit("one after the other, 390×844", { width: 390, height: 844 }, false);
    await edit("side by side, 1280×800", { width: 1280, height: 800 }, true);
  },
  answer: async () => {
    await answer(1);
    await answer(SLOW);
  },
  open,
  hour,
};
for (const [name, part] of Object.entries(parts)) if (only === undefined || only === name) await part();
await browser.close();
server.close();
app.remove();
