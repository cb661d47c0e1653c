// Walks every screen in Chromium on the mock machine: takes pictures (phone and desk, dark and light), runs axe-core on each,
// and fails on any finding, console error or policy violation. Usage: node scripts/stories.mjs [out-folder] [name-filter] [size.theme]
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { BROWSER, serve } from "./serving.mjs";

const out = resolve(process.argv[2] ?? join(tmpdir(), "pocketcoder-stories-pictures"));
const filter = process.argv[3] ?? "";
const only = process.argv[4] ?? ""; // "phone.dark", say
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(out, { recursive: true });

const S = (n) => `0198c1d0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
/** Four coloured fields, 2 × 2. */
const PICTURE = { name: "screenshot.png", mimeType: "image/png", buffer: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8Dwn4GBgYGJAQoAHgQCAbGUoLoAAAAASUVORK5CYII=", "base64") };
const click = (id) => async (page) => page.getByTestId(id).first().click();
const stories = [
  ["pair-start", "unpaired", "/"],
  ["pair-confirm", "unpaired", "/", null, "#pair=aaaaaaaaaaaa"],
  ["inbox", "rich", "/"],
  ["inbox-empty", "quiet", "/"],
  ["inbox-offline", "offline", "/"],
  ["inbox-alarm", "badhead", "/"],
  ["inbox-refused", "refused", "/"],
  ["inbox-revoked", "revoked", "/"],
  ["inbox-version", "version", "/"],
  ["approval-command", "rich", `/approvals/${S(201)}`],
  ["approval-hidden", "rich", `/approvals/${S(207)}`],
  ["approval-edit", "rich", `/approvals/${S(202)}`],
  ["approval-tool", "rich", `/approvals/${S(205)}`],
  ["approval-network", "rich", `/approvals/${S(208)}`],
  ["approval-network-more", "rich", `/approvals/${S(208)}`, click("allow-more")],
  ["approval-question", "rich", `/approvals/${S(203)}`],
  ["approval-plan", "rich", `/approvals/${S(204)}`],
  ["approval-prompt", "rich", `/approvals/${S(210)}`],
  ["approval-push", "rich", `/approvals/${S(211)}`],
  ["approval-secret", "rich", `/approvals/${S(212)}`],
  ["approval-unknown", "rich", `/approvals/${S(206)}`],
  ["approval-deny", "rich", `/approvals/${S(201)}`, click("deny")],
  ["approval-more", "rich", `/approvals/${S(201)}`, click("allow-more")],
  ["approval-done", "rich", `/approvals/${S(201)}`, async (page) => { await page.getByTestId("allow-once").first().click(); await page.locator('[data-state="finished"]').first().waitFor(); }],
  ["approval-viewer", "viewer", `/approvals/${S(201)}`],
  ["sessions", "rich", "/sessions"],
  ["new-session", "rich", "/new"],
  ["new-session-fresh", "fresh", "/new"],
  ["begun-list", "rich", `/new/${S(1)}`, async (page) => { await page.getByTestId("begun-open").click(); await page.getByTestId("begun-item").first().waitFor(); }],
  ["begun-picked", "rich", `/new/${S(1)}`, async (page) => { await page.getByTestId("begun-open").click(); await page.getByTestId("begun-item").nth(1).click(); await page.getByTestId("begun").waitFor(); }],
  ["begun-session", "rich", `/sessions/${S(108)}`],
  ["new-session-defaults", "rich", `/new/${S(2)}`],
  ["session-main", "rich", `/sessions/${S(101)}`],
  ["session-top", "rich", `/sessions/${S(101)}`, async (page) => { await page.getByTestId("transcript").evaluate((view) => { view.scrollTop = 0; }); await page.waitForTimeout(300); }],
  ["session-tool-open", "rich", `/sessions/${S(101)}`, async (page) => { await page.getByRole("button", { name: /npm test/ }).first().click(); await page.waitForTimeout(300); }],
  ["session-undo", "rich", `/sessions/${S(101)}`, async (page) => { await page.getByRole("button", { name: /npm test/ }).first().click(); await page.getByTestId("undo").first().click(); await page.getByTestId("undo-files").waitFor(); }],
  ["session-working", "rich", `/sessions/${S(105)}`],
  ["session-jobs", "rich", `/sessions/${S(105)}`, async (page) => { await page.getByTestId("job").click(); await page.getByText("GET /health").first().waitFor(); }],
  ["session-sheet", "rich", `/sessions/${S(101)}`, async (page) => { await page.getByTestId("session-menu").click(); await page.getByTestId("session-effort").waitFor(); await page.waitForTimeout(200); }],
  ["session-palette", "rich", `/sessions/${S(101)}`, async (page) => { await page.getByTestId("prompt-input").fill("/c"); await page.getByTestId("prompt-input").press("ArrowDown"); await page.getByTestId("slash-palette").waitFor(); }],
  ["session-steer", "rich", `/sessions/${S(105)}`, async (page) => { await page.getByTestId("prompt-input").fill("Rather use the slim variant."); await page.getByTestId("steer-now").waitFor(); await page.getByTestId("steer").first().evaluate((said) => said.scrollIntoView({ block: "center" })); await page.waitForTimeout(200); }],
  ["session-attach", "rich", `/sessions/${S(103)}`, async (page) => { await page.getByTestId("attach-input").setInputFiles([PICTURE, { name: "notes with a rather long name that must be cut.txt", mimeType: "text/plain", buffer: Buffer.alloc(3000, "a") }]); await page.locator('[data-testid="attachment"][data-done="true"]').nth(1).waitFor(); await page.getByTestId("prompt-input").fill("Why is the button cut off?"); }],
  ["session-attached", "rich", `/sessions/${S(103)}`, async (page) => { await page.getByTestId("attach-input").setInputFiles([PICTURE, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.alloc(3000, "a") }]); await page.locator('[data-testid="attachment"][data-done="true"]').nth(1).waitFor(); await page.getByTestId("prompt-input").fill("Why is the button cut off?"); await page.getByTestId("send").click(); await page.getByTestId("attached").locator("img").waitFor(); await page.waitForTimeout(300); }],
  ["session-files", "rich", `/sessions/${S(103)}`, async (page) => { await page.getByTestId("prompt-input").click(); await page.keyboard.type("look at @se"); await page.getByTestId("completion").waitFor(); await page.keyboard.press("ArrowDown"); }],
  ["session-fork", "rich", `/sessions/${S(103)}`, async (page) => { await page.getByRole("button", { name: "Session menu" }).click(); await page.getByTestId("fork").click(); await page.getByTestId("fork-prompt").fill("Try it with a queue instead"); await page.getByRole("dialog").getByTestId("attach-input").setInputFiles([PICTURE]); await page.getByRole("dialog").locator('[data-testid="attachment"][data-done="true"]').waitFor(); }],
  ["session-forked", "rich", `/sessions/${S(103)}`, async (page) => { await page.getByRole("button", { name: "Session menu" }).click(); await page.getByTestId("fork").click(); await page.getByTestId("fork-prompt").fill("Try it with a queue instead"); await page.getByTestId("fork-go").click(); await page.getByTestId("forked").waitFor(); await page.waitForTimeout(300); }],
  ["session-interrupted", "rich", `/sessions/${S(104)}`],
  ["terminal", "rich", `/sessions/${S(105)}/terminal`, async (page) => { await page.locator('[data-testid="terminal"][data-state="live"]').waitFor(); await page.locator(".xterm textarea").focus(); await page.keyboard.type("echo hi"); await page.keyboard.press("Enter"); await page.locator(".xterm-rows", { hasText: /^.*hi.*$/ }).first().waitFor(); await page.getByTestId("terminal-find").click(); await page.locator("input[type=search]").fill("hi"); await page.getByTestId("terminal-hits").filter({ hasText: "of" }).waitFor(); await page.waitForTimeout(200); }],
  ["terminal-flood", "rich", `/sessions/${S(105)}/terminal`, async (page) => { await page.locator('[data-testid="terminal"][data-state="live"]').waitFor(); await page.locator(".xterm textarea").focus(); await page.keyboard.type("flood"); await page.keyboard.press("Enter"); await page.getByTestId("terminal-skipped").waitFor(); await page.getByTestId("terminal-pause").click(); await page.getByTestId("terminal-paused").waitFor(); }],
  ["terminal-menu", "rich", `/sessions/${S(105)}/terminal`, async (page) => { await page.locator('[data-testid="terminal"][data-state="live"]').waitFor(); await page.getByTestId("terminal-menu").click(); await page.getByTestId("terminal-end").waitFor(); await page.waitForTimeout(200); }],
  ["terminal-viewer", "viewer", `/sessions/${S(105)}/terminal`],
  ["output-pane", "rich", `/sessions/${S(105)}`, async (page) => { await page.getByTestId("output-as-terminal").click(); await page.locator('[data-testid="output-pane"] .xterm-rows', { hasText: "Get:1" }).waitFor(); await page.waitForTimeout(300); }],
  ["terminal-none", "rich", `/sessions/${S(101)}/terminal`],
  ["project-files", "rich", `/projects/${S(1)}/files/folder/docs`, async (page) => { await page.getByTestId("entry").first().waitFor(); }],
  ["project-root", "rich", `/projects/${S(1)}`, async (page) => { await page.getByTestId("entry").first().waitFor(); await page.getByTestId("upload-input").setInputFiles([{ name: "photo.png", mimeType: "image/png", buffer: Buffer.alloc(3000, "a") }]); await page.locator('[data-testid="upload"][data-state="done"]').waitFor(); }],
  ["project-search", "rich", `/projects/${S(1)}/files/search`, async (page) => { await page.getByTestId("search-query").fill("verify"); await page.keyboard.press("Enter"); await page.getByTestId("hit").first().waitFor(); }],
  ["project-editor", "rich", `/projects/${S(1)}/files/file/src%2Fauth%2Flogin~dts/11`, async (page) => { await page.locator(".cm-content").click(); await page.keyboard.type("// "); await page.getByTestId("save").waitFor(); await page.waitForTimeout(500); }],
  ["project-picture", "rich", `/projects/${S(1)}/files/file/docs%2Flogo~dpng`, async (page) => { await page.frameLocator('[data-testid="sealed-frame"]').locator("img").waitFor(); }],
  ["project-pdf", "rich", `/projects/${S(1)}/files/file/docs%2Fnotes~dpdf`, async (page) => { await page.getByTestId("pdf-page").filter({ hasText: "1 of 2" }).waitFor({ timeout: 60_000 }); await page.frameLocator('[data-testid="sealed-frame"]').locator("img").waitFor(); await page.waitForTimeout(300); }],
  ["project-pdf-text", "rich", `/projects/${S(1)}/files/file/docs%2Fnotes~dpdf`, async (page) => { await page.getByTestId("pdf-next").click({ timeout: 60_000 }); await page.getByTestId("pdf-page").filter({ hasText: "2 of 2" }).waitFor(); await page.getByTestId("pdf-text").click(); await page.getByTestId("pdf-words").getByText("The second page").waitFor(); }],
  ["project-pdf-broken", "rich", `/projects/${S(1)}/files/file/docs%2Fbroken~dpdf`, async (page) => { await page.getByTestId("pdf-problem").waitFor({ timeout: 60_000 }); }],
  ["project-page", "rich", `/projects/${S(1)}/files/file/docs%2Fpage~dhtml`, async (page) => { await page.frameLocator('[data-testid="sealed-frame"]').getByText("Release notes").waitFor(); }],
  ["project-secret", "rich", `/projects/${S(1)}/files/file/~denv`, async (page) => { await page.getByTestId("consent").waitFor(); }],
  ["project-git", "rich", `/projects/${S(1)}/git`, async (page) => { await page.getByTestId("change").first().waitFor(); }],
  ["project-diff", "rich", `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`, async (page) => { await page.getByTestId("comment-line").nth(5).click(); await page.getByTestId("comment-text").fill("Say why it is five."); await page.getByTestId("comment-add").click(); await page.getByTestId("choose-lines").click(); await page.getByTestId("choose-line").first().click(); await page.getByTestId("comment").waitFor(); }],
  ["project-diff-options", "rich", `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`, async (page) => { await page.getByTestId("diff-options").click(); await page.getByTestId("diff-blame").waitFor(); await page.waitForTimeout(200); }],
  ["project-diff-words", "rich", `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`, async (page) => { await page.locator(".word").first().waitFor(); }],
  ["project-blame", "rich", `/projects/${S(1)}/git/blame/src%2Fauth%2Flogin~dts`, async (page) => { await page.getByTestId("blame-block").first().waitFor(); }],
  ["project-compare", "rich", `/projects/${S(1)}/git/compare/main`, async (page) => { await page.getByTestId("git-diff").first().waitFor(); }],
  ["project-commit", "rich", `/projects/${S(1)}/git/log`, async (page) => { await page.getByTestId("commit-row").first().click(); await page.getByTestId("diff-file").first().waitFor(); await page.waitForTimeout(200); }],
  ["project-branches", "rich", `/projects/${S(1)}/git/branches`, async (page) => { await page.getByTestId("branch-row").first().waitFor(); }],
  ["project-tags", "rich", `/projects/${S(1)}/git/tags`, async (page) => { await page.getByTestId("tag-create").waitFor(); await page.getByText("v1.2.0", { exact: true }).waitFor(); }],
  ["project-branch-menu", "rich", `/projects/${S(1)}/git/branches`, async (page) => { await page.getByTestId("branch-menu").last().click(); await page.getByTestId("branch-compare").waitFor(); await page.waitForTimeout(200); }],
  ["project-tag-menu", "rich", `/projects/${S(1)}/git/tags`, async (page) => { await page.getByTestId("tag-menu").first().click(); await page.getByTestId("tag-delete").waitFor(); await page.waitForTimeout(200); }],
  ["project-worktrees", "rich", `/projects/${S(1)}/git/worktrees`, async (page) => { await page.getByTestId("worktree").first().waitFor(); }],
  ["project-stash", "rich", `/projects/${S(1)}/git/stash`, async (page) => { await page.getByTestId("stash-pop").first().waitFor(); }],
  ["project-pushing", "pushing", `/projects/${S(1)}/git`, async (page) => { await page.getByTestId("transfer-progress").getByText("62%").waitFor(); }],
  ["project-log", "rich", `/projects/${S(1)}/git/log`, async (page) => { await page.getByTestId("commit-row").first().waitFor(); }],
  ["project-conflict", "conflict", `/projects/${S(1)}/git/conflict/src%2Fserver~dts`, async (page) => { await page.getByTestId("conflict-text").waitFor(); }],
  ["project-runs", "rich", `/projects/${S(1)}/runs`, async (page) => { await page.getByTestId("command-line").fill("npm test"); await page.keyboard.press("Enter"); await page.locator('[data-testid="run"][data-state="exited"]', { hasText: "43 passed" }).waitFor(); }],
  ["project-rules", "rich", `/projects/${S(1)}/runs`, async (page) => { await page.getByTestId("rules-open").click(); await page.getByTestId("rule-add").click(); await page.getByTestId("rule-pattern").nth(2).waitFor(); await page.waitForTimeout(200); }],
  ["project-runs-more", "rich", `/projects/${S(1)}/runs`, async (page) => { await page.getByTestId("run-more").click(); await page.getByTestId("run-cwd").fill("packages/api"); await page.getByTestId("run-env").fill("CI=1\nNODE_ENV=test"); await page.getByTestId("run-seconds").fill("600"); await page.getByTestId("command-line").fill("npm test"); }],
  ["machine", "rich", "/machine"],
  ["machine-fresh", "fresh", "/machine"],
  ["machine-status", "rich", "/machine/status", async (page) => { await page.getByText("Runs since").waitFor(); }],
  ["machine-logs", "rich", "/machine/logs", async (page) => { await page.getByTestId("log-line").nth(3).waitFor(); await page.locator("summary").first().click(); }],
  ["machine-logs-viewer", "viewer", "/machine/logs"],
  ["palette", "rich", `/projects/${S(1)}/git`, async (page) => { await page.getByTestId("change").first().waitFor(); await page.keyboard.press("Control+k"); await page.getByTestId("palette-entry").first().waitFor(); await page.keyboard.press("ArrowDown"); await page.waitForTimeout(200); }],
  ["palette-found", "rich", "/", async (page) => { await page.keyboard.press("Control+k"); await page.getByTestId("palette-query").fill("web g"); await page.getByTestId("palette-entry").first().waitFor(); await page.waitForTimeout(200); }],
  ["you", "rich", "/you"],
  ["devices", "rich", "/you/devices"],
  ["ledger", "rich", "/you/ledger", async (page) => { await page.getByTestId("ledger-verify").click(); await page.getByTestId("ledger-verdict").waitFor(); }],
  ["keys", "rich", "/", async (page) => { await page.keyboard.press("?"); await page.waitForTimeout(100); }],
];

/** On a desk each layout is looked at once: these differ from a neighbour in what they say, or are sheets, which look the same there. */
const PHONE_ONLY = new Set([
  "inbox-offline", "inbox-refused", "inbox-revoked", "inbox-version", "approval-hidden", "approval-tool", "approval-network-more", "approval-prompt", "approval-secret", "approval-unknown", "approval-more", "approval-viewer",
  "new-session-fresh", "new-session-defaults", "begun-picked", "begun-session", "session-top", "session-tool-open", "session-steer", "session-attached", "session-fork", "session-forked", "terminal-flood", "terminal-viewer", "terminal-none",
  "project-root", "project-picture", "project-pdf-text", "project-pdf-broken", "project-secret", "project-diff-options", "project-diff-words", "project-tags", "project-branch-menu", "project-tag-menu", "project-stash", "project-runs-more",
  "project-rules", "machine-fresh", "machine-logs-viewer", "palette-found",
]);

// A build like the product's, with the mock machine in it, under the product's policy: what breaks there breaks here.
const built = mkdtempSync(join(tmpdir(), "pocketcoder-stories-"));
await build({ mode: "stories", logLevel: "error", build: { outDir: built, emptyOutDir: true } });
const { server, base } = await serve(pathToFileURL(`${built}/`));
const browser = await chromium.launch(BROWSER);

let bad = 0;
let shots = 0;
const jobs = [];
for (const [size, width, height] of [["phone", 390, 844], ["desk", 1280, 800], ["narrow", 360, 640], ["wide", 1600, 900]]) {
  // What differs with the theme is colour, and that is the same in every size.
  const themes = (size === "phone" ? ["dark", "light"] : ["dark"]).filter((theme) => `${size}.${theme}`.includes(only));
  for (const [name, mock, path, act, hash] of themes.length > 0 ? stories : []) {
    if (!name.includes(filter)) continue;
    if (size === "desk" && PHONE_ONLY.has(name)) continue;
    if (size === "narrow" && !["inbox", "approval-command", "session-main", "new-session"].includes(name)) continue;
    if (size === "wide" && !["session-main", "inbox"].includes(name)) continue;
    jobs.push({ size, width, height, themes, name, mock, path, act, hash });
  }
}

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

async function look({ size, width, height, themes, name, mock, path, act, hash }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: themes[0], reducedMotion: "reduce", hasTouch: size === "phone", isMobile: size === "phone" });
  const page = await context.newPage();
  let problems = [];
  page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.addInitScript(() => { globalThis.violations = []; document.addEventListener("securitypolicyviolation", (event) => globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`)); });
  for (const theme of themes) {
    const first = theme === themes[0];
    try {
      if (first) {
        await page.goto(`${base}${path}?mock=${mock}${hash ?? ""}`);
        await page.locator("#app > *").first().waitFor();
        await page.waitForTimeout(450);
        if (act) await act(page);
        await page.evaluate(axe);
      } else {
        await page.emulateMedia({ colorScheme: theme });
      }
      const findings = await page.evaluate((rules) => globalThis.axe.run(document, { runOnly: rules }), first ? RULES : ["color-contrast"]);
      for (const finding of findings.violations) problems.push(`axe ${finding.id}: ${finding.help}: ${finding.nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""}`).join(" | ")}`);
      problems.push(...(await page.evaluate(() => globalThis.violations.splice(0))));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) problems.push("the page is wider than the screen");
    } catch (error) {
      problems.push(String(error));
    }
    await page.screenshot({ path: `${out}/${name}.${size}.${theme}.png` });
    shots++;
    if (problems.length > 0) {
      bad++;
      console.log(`${name} ${size} ${theme}`);
      for (const problem of problems) console.log(`  ${problem.slice(0, 600)}`);
      problems = [];
    }
  }
  await context.close();
}

// Most of a story's time is waiting, so a few are looked at together.
await Promise.all([1, 2, 3].map(async () => {
  for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) await look(job);
}));
await browser.close();
server.close();
rmSync(built, { recursive: true });
console.log(`${shots - bad} passed, ${bad} failed`);
process.exit(bad === 0 ? 0 : 1);
