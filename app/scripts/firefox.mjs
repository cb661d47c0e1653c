// The app in Firefox, under the gateway's policy: the built app up to the pairing screen, then on the mock machine the inbox, a session, a change, and an approval
// that is decided. No error on the console, no violation of the policy. Skipped, and says so, where no Firefox is installed. Run after `npm run build`.
import { readFileSync } from "node:fs";
import { firefox, FIREFOX } from "./bidi.mjs";
import { mockApp } from "./mock-app.mjs";
import { serve } from "./serving.mjs";

const S = (n) => `0198c1d0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const page = await firefox();
if (!page) {
  console.log(`skipped: there is no Firefox at ${FIREFOX} (Debian: firefox-esr). FIREFOX names another.`);
  process.exit(0);
}
const vectors = readFileSync(new URL("../../tests/vectors/channel.json", import.meta.url), "utf8");
const link = /"([\w-]{120})"/.exec(JSON.stringify(JSON.parse(vectors)))?.[1];
const built = await serve(new URL("../dist/", import.meta.url));
const app = await mockApp();
const mock = await serve(app.folder);
let failed = 0;
let passed = 0;

async function step(what, work) {
  page.errors.length = 0;
  try {
    await work();
    const violations = await page.evaluate("globalThis.violations");
    // There is no machine behind the built app.
    const errors = page.errors.filter((error) => !/WebSocket|can’t establish a connection/.test(error));
    if (violations.length + errors.length > 0) throw new Error([...violations, ...errors].join("; "));
    passed++;
    console.log(`ok     ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${what}: ${String(error).slice(0, 1500)}`);
  }
}

try {
  await page.size(390, 844);
  await page.before(
    `() => {
      globalThis.violations = [];
      document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(event.violatedDirective + " " + event.blockedURI));
    }`,
  );
  await step("first run: the pairing screen", async () => {
    await page.goto(built.base);
    await page.shown("pair-link");
    await page.shown("qr-open");
  });
  await step("a real link shows the words to compare, and its secret leaves the address", async () => {
    await page.goto("about:blank");
    await page.goto(`${built.base}/#pair=${link}`);
    await page.shown("machine-words");
    if ((await page.evaluate("location.href")).includes("pair=")) throw new Error("the secret is in the address");
  });
  await step("the service worker takes over", () => page.until("navigator.serviceWorker.ready"));
  await step("the inbox", async () => {
    await page.goto(`${mock.base}/?mock=rich`);
    await page.shown("inbox-item");
  });
  await step("an approval is decided, runs and ends", async () => {
    await page.goto(`${mock.base}/approvals/${S(201)}?mock=rich`);
    await page.click("allow-once");
    await page.until(`document.querySelector('[data-testid="approval-card"][data-state="finished"]')`, "finished");
  });
  await step("a session and its conversation, with a search in it", async () => {
    await page.goto(`${mock.base}/sessions/${S(101)}?mock=rich`);
    await page.until(`document.querySelectorAll('[data-testid="transcript"] .item').length > 3`, "rows");
    await page.keys("/");
    await page.until(`document.activeElement.localName === "input"`, "the search has the focus");
    await page.keys("l", "o", "g", "i", "n");
    await page.until("CSS.highlights === undefined || CSS.highlights.size > 0", "hits are marked");
  });
  await step("a terminal", async () => {
    await page.goto(`${mock.base}/sessions/${S(105)}/terminal?mock=rich`);
    await page.until(`document.querySelector(".xterm-rows")?.textContent.trim().length > 0`, "the terminal shows something");
  });
  await step("a file in the editor", async () => {
    await page.goto(`${mock.base}/projects/${S(1)}/files/file/src%2Fauth%2Flogin~dts?mock=rich`);
    await page.until(
      `[...document.querySelectorAll("*")].some((one) => (one.shadowRoot ?? one).querySelector?.(".cm-content"))`,
      "the editor is there",
    );
  });
  await step("staging by keyboard, side by side on a desk", async () => {
    await page.size(1280, 800);
    await page.goto(`${mock.base}/projects/${S(1)}/git?mock=rich`);
    await page.shown("change");
    await page.keys("j", "j", " ");
    await page.until(`document.querySelector('[data-testid="git-said"]').textContent.includes("2 files staged")`, "staged and told");
    if (!(await page.evaluate("location.pathname")).endsWith("/git")) throw new Error("the space bar opened the file too");
    await page.goto(`${mock.base}/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts?mock=rich`);
    await page.shown("git-diff");
    await page.keys("b");
    await page.until("document.querySelectorAll('.pair').length > 5", "side by side");
  });
} finally {
  await page.close();
  built.server.close();
  mock.server.close();
  app.remove();
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
