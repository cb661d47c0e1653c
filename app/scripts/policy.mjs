// Serves the built app exactly as the gateway does (same policy headers) and walks through first run in Chromium with the real channel code: no policy
// violation, the pairing secret leaves the address bar, keys are made and not extractable, the app opens without a network. Run after `npm run build`.
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { BROWSER, serve } from "./serving.mjs";

const dist = new URL("../dist/", import.meta.url);
const payload = JSON.parse(readFileSync(new URL("../../tests/vectors/channel.json", import.meta.url), "utf8"));
const link = JSON.stringify(payload).match(/"([\w-]{120})"/)?.[1];
if (!link) throw new Error("the vectors have no pairing link");

const { server, base } = await serve(dist);
const browser = await chromium.launch(BROWSER);
const problems = [];
let checks = 0;
const check = (ok, what) => { checks++; console.log(`${ok ? "ok    " : "FAILED"} ${what}`); if (!ok) problems.push(what); };

const context = await browser.newContext();
const page = await context.newPage();
const errors = [];
page.on("console", (message) => { if (message.type() === "error") errors.push(message.text()); });
page.on("pageerror", (error) => errors.push(String(error)));
await page.addInitScript(() => { globalThis.violations = []; document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)); });

await page.goto(`${base}/#pair=${link}`);
await page.getByTestId("fingerprint").waitFor();
check(/^[0-9a-f ]{39}$/.test((await page.getByTestId("fingerprint").innerText()).trim()), "a real link shows the machine's fingerprint");
check(!page.url().includes("pair="), "the secret has left the address bar");
check((await page.evaluate(() => history.length)) <= 2, "and did not stay in the history");
await page.getByTestId("device-name").fill("Test phone");
await page.getByTestId("pair-confirm").click();
await page.getByRole("alert").waitFor({ timeout: 20_000 });
check(true, "an unreachable machine is told, not waited for without end");
const keys = await page.evaluate(() => new Promise((resolve, reject) => {
  const request = indexedDB.open("pocketcoder-channel");
  request.onerror = () => reject(request.error);
  request.onsuccess = () => { const all = request.result.transaction("values").objectStore("values").get("identity"); all.onsuccess = () => resolve([all.result.agreement.privateKey.extractable, all.result.signing.privateKey.extractable]); };
}));
check(keys.every((extractable) => extractable === false), "private keys can't be taken out");
check((await page.evaluate(() => globalThis.violations)).length === 0, `no policy violation ${await page.evaluate(() => globalThis.violations.join("; "))}`);
const unexpected = errors.filter((error) => !/WebSocket|404/.test(error));
check(unexpected.length === 0, `no error on the console ${unexpected.join("; ")}`);

await page.evaluate(() => navigator.serviceWorker.ready);
await page.reload();
await page.evaluate(() => navigator.serviceWorker.controller !== null || new Promise((resolve) => navigator.serviceWorker.addEventListener("controllerchange", resolve, { once: true })));
server.close();
server.closeAllConnections();
await page.goto(`${base}/sessions`);
await page.getByTestId("pair-link").waitFor();
check(true, "the app opens with no server at all");

await browser.close();
console.log(`${checks - problems.length} passed, ${problems.length} failed`);
process.exit(problems.length === 0 ? 0 : 1);
