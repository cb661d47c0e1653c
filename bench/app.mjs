// The app in Chromium as on a phone, against a running daemon: slow 4G, a processor four times slower, 390×844.
//   node bench/app.mjs RUNS URL PAIRING_LINK PAIRING_LINK
// Prints one JSON line for each measurement. PocketCoder.Bench starts it; the pairing links are used up.
import { createRequire } from "node:module";

const { chromium } = createRequire(new URL("../app/package.json", import.meta.url))("playwright-core");
const { BROWSER } = await import(new URL("../app/scripts/serving.mjs", import.meta.url));

/** Lighthouse's "slow 4G": 150 ms to the first byte of each answer, 1.6 Mbit/s down, 750 kbit/s up. */
const SLOW_4G = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 750_000 / 8 };
const SLOW_CPU = 4;
const LIMIT = 20_000;
const PAIRING = '[data-testid="pair-link"]';
const SESSION = '[data-testid="session-item"]';

const [, , runs, base, ...links] = process.argv;
const browser = await chromium.launch(BROWSER);
const say = (id, value) => console.log(JSON.stringify({ id, value: Math.round(value * 10) / 10 }));

const phone = (serviceWorkers) => browser.newContext({ viewport: { width: 390, height: 844 }, deviceScaleFactor: 3, isMobile: true, hasTouch: true, serviceWorkers });

/** Opens the address in a new tab under the phone's conditions; when what is waited for has been painted, says after how long. */
async function open(context, path, wanted, { cached }) {
  const page = await context.newPage();
  try {
    const devtools = await context.newCDPSession(page);
    await devtools.send("Network.enable");
    if (!cached) {
      await devtools.send("Network.clearBrowserCache");
      await devtools.send("Network.setCacheDisabled", { cacheDisabled: true });
    }
    await devtools.send("Network.emulateNetworkConditions", SLOW_4G);
    await devtools.send("Emulation.setCPUThrottlingRate", { rate: SLOW_CPU });
    await page.addInitScript((selector) => {
      // The clock of the page itself, from the start of the navigation: what drives the browser adds nothing to it.
      const look = () => {
        if (!document.querySelector(selector)) return false;
        requestAnimationFrame(() => setTimeout(() => { globalThis.usableAfter = performance.now(); }));
        return true;
      };
      const watch = new MutationObserver(() => { if (look()) watch.disconnect(); });
      watch.observe(document, { childList: true, subtree: true });
    }, wanted);
    await page.goto(`${base}${path}`, { waitUntil: "commit", timeout: LIMIT });
    await page.waitForFunction(() => globalThis.usableAfter !== undefined, null, { timeout: LIMIT });
    return await page.evaluate(() => ({
      usable: globalThis.usableAfter,
      bytes: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
        .filter((entry) => entry.startTime < globalThis.usableAfter).reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    }));
  } finally {
    await page.close();
  }
}

async function pair(context, link) {
  const page = await context.newPage();
  await page.goto(link, { timeout: LIMIT });
  await page.getByTestId("pair-confirm").click({ timeout: LIMIT });
  await page.locator('[data-testid="connection-state"][data-state="online"]').waitFor({ state: "attached", timeout: LIMIT });
  return page;
}

// Each first time warms up browser and daemon and is not counted.
for (let run = -1; run < runs; run++) {
  const context = await phone("block");
  const { usable, bytes } = await open(context, "/", PAIRING, { cached: false });
  if (run >= 0) {
    say("app.fresh", usable);
    say("app.bytes", bytes);
  }
  await context.close();
}

const cold = await phone("block");
await (await pair(cold, links[0])).close();
for (let run = -1; run < runs; run++) {
  const { usable } = await open(cold, "/sessions", SESSION, { cached: false });
  if (run >= 0) say("app.paired.cold", usable);
}
await cold.close();

const warm = await phone("allow");
const first = await pair(warm, links[1]);
await first.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
await first.close();
for (let run = -1; run < runs; run++) {
  const { usable } = await open(warm, "/sessions", SESSION, { cached: true });
  if (run >= 0) say("app.paired.warm", usable);
}
await warm.close();
await browser.close();
