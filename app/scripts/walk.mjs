// What a person does, in Chromium, on the mock machine, under the gateway's policy: decide, deny with a reason, answer, accept a plan, start a session, queue,
// stop, go offline and back, all by keyboard, ten thousand events, a file from finding it to pushing it. Prints one line a check; fails when one fails.
// Usage: node scripts/walk.mjs [part of a name]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { build } from "vite";
import { BROWSER, serve } from "./serving.mjs";

const S = (n) => `0198c1d0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const built = mkdtempSync(join(tmpdir(), "pocketcoder-walk-"));
await build({ mode: "stories", logLevel: "error", build: { outDir: built, emptyOutDir: true } });
const { server, base } = await serve(pathToFileURL(`${built}/`));
const browser = await chromium.launch(BROWSER);
let passed = 0;
let failed = 0;

const only = process.argv[2] ?? ""; // part of a name
async function walk(what, path, mock, steps, size = { width: 390, height: 844 }) {
  if (!what.includes(only)) return;
  const context = await browser.newContext({ viewport: size, reducedMotion: "reduce" });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.setDefaultTimeout(8000);
  try {
    await page.goto(`${base}${path}?mock=${mock}`);
    await steps(page);
    if (errors.length > 0) throw new Error(errors.join("; "));
    passed++;
    console.log(`ok     ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${what}: ${String(error).slice(0, 500)}`);
    await page.screenshot({ path: join(tmpdir(), `walk-${failed}.png`) });
  }
  await context.close();
}

const must = (condition, what) => {
  if (!condition) throw new Error(what);
};

await walk("allow once and see it run and finish", `/approvals/${S(201)}`, "rich", async (page) => {
  await page.getByTestId("allow-once").click();
  await page.locator('[data-testid="approval-card"][data-state="running"]').waitFor();
  await page.locator('[data-testid="approval-card"][data-state="finished"]').waitFor();
  must((await page.getByTestId("decision-steps").innerText()).includes("exit code 0"), "no exit code");
});
await walk("deny with a reason", `/approvals/${S(201)}`, "rich", async (page) => {
  await page.getByTestId("deny").click();
  await page.getByTestId("deny-reason").fill("Not on a Friday");
  await page.getByTestId("deny-confirm").click();
  await page.locator('[data-testid="approval-card"][data-state="denied"]').waitFor();
  must((await page.getByTestId("approval-card").innerText()).includes("Not on a Friday"), "no reason");
});
await walk("allow for the session, after reading what it covers", `/approvals/${S(202)}`, "rich", async (page) => {
  await page.getByTestId("allow-more").click();
  await page.getByText("Changes of src/auth/login.ts with the Edit tool.").waitFor();
  await page.getByTestId("allow-session").click();
  await page.getByText(/Allowed\s+for this session/i).waitFor();
});
await walk("answer questions", `/approvals/${S(203)}`, "rich", async (page) => {
  must(await page.getByTestId("question-submit").isDisabled(), "can answer with nothing chosen");
  await page.getByTestId("question-option").filter({ hasText: "SQLite" }).click();
  await page.getByTestId("question-option").filter({ hasText: "Sign-in" }).click();
  await page.getByTestId("question-other").nth(1).fill("a landing page");
  await page.getByTestId("question-submit").click();
  await page.locator('[data-testid="approval-card"][data-state="allowed"]').waitFor();
  must((await page.getByTestId("approval-card").innerText()).includes("Sign-in, a landing page"), "answers are missing");
});
await walk("accept a plan in place, inside the session", `/sessions/${S(102)}`, "rich", async (page) => {
  await page.getByTestId("plan-accept").click();
  await page.locator('[data-testid="approval-card"][data-state="allowed"]').waitFor();
});
await walk("reject a plan", `/approvals/${S(204)}`, "rich", async (page) => {
  await page.getByTestId("plan-reject").click();
  await page.getByTestId("deny-reason").fill("Smaller steps");
  await page.getByTestId("deny-confirm").click();
  await page.locator('[data-testid="approval-card"][data-state="denied"]').waitFor();
});
await walk("start a session in two taps and see its prompt", "/sessions", "rich", async (page) => {
  await page.getByTestId("new-session").click();
  await page.getByTestId("project-select").getByText("web", { exact: true }).click();
  await page.getByTestId("prompt-input").fill("Write a haiku\ninto README.md");
  await page.getByTestId("send").click();
  await page.getByTestId("transcript").getByText("Write a haiku").waitFor();
  must(page.url().includes("/sessions/"), "not in the session");
  must((await page.getByTestId("prompt-input").inputValue()) === "", "the composer kept the text");
});
await walk("queue a prompt, take one out, stop the turn", `/sessions/${S(101)}`, "rich", async (page) => {
  await page.getByTestId("queue-item").first().waitFor();
  await page.getByTestId("prompt-input").fill("One more thing");
  await page.getByTestId("send").click();
  await page.getByTestId("queue-item").filter({ hasText: "One more thing" }).waitFor();
  await page.getByTestId("queue-item").filter({ hasText: "One more thing" }).getByTestId("queue-remove").click();
  await page.getByTestId("queue-item").filter({ hasText: "One more thing" }).waitFor({ state: "detached" });
  await page.getByTestId("stop").click();
  await page.getByTestId("transcript").getByText("Stopped", { exact: true }).first().waitFor();
});
await walk("keep a draft over a reload", `/sessions/${S(103)}`, "rich", async (page) => {
  await page.getByTestId("prompt-input").fill("half a thought");
  await page.evaluate(() => dispatchEvent(new Event("pagehide")));
  await page.waitForTimeout(400);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('[data-testid="prompt-input"]')?.value === "half a thought");
});
await walk("keep a prompt that can't be sent, and say so", "/new", "offline", async (page) => {
  await page.locator('[data-testid="connection-state"][data-state="offline"]').waitFor({ state: "attached" });
  must(!(await page.getByTestId("prompt-input").isVisible()) || (await page.getByTestId("send").isDisabled()), "offers to start without a known project");
});
await walk("show a full queue's refusal with a way on", `/sessions/${S(103)}`, "busy", async (page) => {
  await page.getByTestId("prompt-input").fill("too much");
  await page.getByTestId("send").click();
  await page.locator('[data-testid="outbox-item"][data-state="refused"]').waitFor();
  must((await page.getByTestId("outbox-item").innerText()).includes("50 prompts"), "no reason");
});
await walk("put the queue into another order by keyboard", `/sessions/${S(101)}`, "rich", async (page) => {
  const order = () => page.getByTestId("queue-item").allInnerTexts();
  await page.getByTestId("queue-up").nth(1).focus();
  await page.keyboard.press("Enter");
  await page.getByTestId("queue-item").first().filter({ hasText: "pull request" }).waitFor();
  must((await order())[1].includes("changelog"), "not moved");
  must(await page.evaluate(() => document.activeElement?.getAttribute("data-testid") === "queue-up"), "the focus is lost");
});
await walk("choose a slash command by keyboard and by touch", `/sessions/${S(101)}`, "rich", async (page) => {
  const input = page.getByTestId("prompt-input");
  await input.pressSequentially("/com");
  await page.getByTestId("slash-palette").waitFor();
  await page.keyboard.press("Enter");
  must((await input.inputValue()) === "/compact ", "not chosen");
  await input.fill("/");
  await page.getByRole("option", { name: /^\/usage/ }).click();
  must((await input.inputValue()) === "/usage ", "not chosen by touch");
  must(await page.evaluate(() => document.activeElement?.getAttribute("data-testid") === "prompt-input"), "the focus is lost");
  await input.fill("/c");
  await page.keyboard.press("Escape");
  await page.getByTestId("slash-palette").waitFor({ state: "detached" });
});
await walk("say something into a running turn", `/sessions/${S(105)}`, "rich", async (page) => {
  await page.getByTestId("prompt-input").fill("Rather use the slim variant.");
  await page.getByTestId("steer-now").click();
  await page.locator('[data-testid="steer"][data-state="heard"]', { hasText: "slim variant" }).waitFor();
  must((await page.getByTestId("prompt-input").inputValue()) === "", "the words are still there");
});
await walk("change effort and name in a session's sheet", `/sessions/${S(101)}`, "rich", async (page) => {
  await page.getByTestId("session-menu").click();
  await page.getByTestId("session-effort").selectOption("high");
  await page.getByRole("dialog").getByRole("textbox").first().fill("Another name");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "Another name" }).waitFor();
  must((await page.getByTestId("session-effort").inputValue()) === "high", "no effort");
  await page.getByTestId("session-effort").selectOption("");
  await page.getByRole("dialog").getByTestId("model-select").selectOption("");
  await page.waitForFunction(() => !document.querySelector("header .meta")?.textContent.includes("sonnet"));
  must((await page.getByTestId("session-effort").inputValue()) === "", "no way back to the default");
});
await walk("go on from a copy, with a file", `/sessions/${S(101)}`, "rich", async (page) => {
  await page.getByTestId("stop").click(); // a session that works can't be copied
  await page.getByTestId("session-menu").click();
  await page.getByTestId("fork").click();
  await page.getByTestId("fork-prompt").fill("Try it with sessions on disk instead");
  await page.getByRole("dialog").getByTestId("attach-input").setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("a note") });
  await page.getByRole("dialog").getByTestId("attachment").filter({ hasText: "notes.txt" }).waitFor();

  // Closed and opened again: nothing of it is lost.
  await page.keyboard.press("Escape");
  await page.getByTestId("session-menu").click();
  await page.getByTestId("fork").click();
  await page.waitForFunction(() => document.querySelector('[data-testid="fork-prompt"]')?.value.startsWith("Try it"));
  await page.getByRole("dialog").getByTestId("attachment").filter({ hasText: "notes.txt" }).waitFor();
  await page.getByTestId("fork-go").click();
  await page.getByTestId("fork-go").waitFor({ state: "detached" });
  must(!page.url().includes(S(101)), "still in the first one");
  await page.getByTestId("transcript").getByText("Try it with sessions on disk instead").first().waitFor();
  await page.getByTestId("transcript").getByText("notes.txt").first().waitFor();
  must((await page.getByTestId("outbox-item").count()) === 0, "still on its way");
});
await walk("continue an interrupted turn", `/sessions/${S(104)}`, "rich", async (page) => {
  await page.getByTestId("continue").click();
  await page.getByTestId("continue").waitFor({ state: "detached" });
  must((await page.getByText("Apply the new network.").count()) >= 2, "the prompt was not sent again");
});
await walk("find one's way and decide by keyboard alone", "/", "rich", async (page) => {
  await page.getByTestId("inbox-item").first().waitFor();
  for (let down = 0; down < 8; down++) await page.keyboard.press("j"); // to the one that runs a command
  await page.keyboard.press("Enter");
  await page.getByTestId("approval-card").waitFor();
  await page.keyboard.press("a");
  await page.locator('[data-testid="approval-card"][data-state="finished"]').waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("g");
  await page.keyboard.press("s");
  await page.getByTestId("session-item").first().waitFor();
  await page.keyboard.press("?");
  await page.getByRole("dialog").waitFor();
}, { width: 1280, height: 800 });
await walk("see that a looking-only device can't decide", `/approvals/${S(201)}`, "viewer", async (page) => {
  await page.getByText("may look but not decide").waitFor();
  must((await page.getByTestId("allow-once").count()) === 0, "offers to allow");
});
await walk("verify the ledger", "/you/ledger", "rich", async (page) => {
  await page.getByTestId("ledger-verify").click();
  await page.getByText(/^Intact: 11 rows/).waitFor();
  await page.getByText("this device recomputed how they are chained").waitFor();
});
await walk("be asked before a link opens", `/sessions/${S(101)}`, "rich", async (page) => {
  await page.getByTestId("transcript").evaluate((view) => { view.scrollTop = 200; });
  await page.getByRole("link", { name: "OWASP notes" }).click();
  await page.getByRole("dialog").getByText("cheatsheetseries.owasp.org", { exact: true }).waitFor();
});
await walk("see ten thousand events from the bottom, and go up and back", `/sessions/${S(107)}`, "big", async (page) => {
  const view = page.getByTestId("transcript");
  await view.waitFor();
  await page.waitForFunction(() => { const list = document.querySelector('[data-testid="transcript"]'); return list && list.scrollHeight > 100_000 && list.scrollHeight - list.scrollTop - list.clientHeight < 50; });
  must((await view.locator(".item").count()) < 120, "draws too many rows");
  await view.evaluate((list) => { list.scrollTop -= 3000; });
  await page.getByRole("button", { name: "Jump to latest" }).click();
  await page.waitForFunction(() => { const list = document.querySelector('[data-testid="transcript"]'); return list && list.scrollHeight - list.scrollTop - list.clientHeight < 50; });
});

await walk("find a file, edit it, stage one part, commit, and push after allowing it", "/machine", "rich", async (page) => {
  await page.getByTestId("project-row").first().click();
  await page.getByTestId("files-search").click();
  await page.getByTestId("search-query").fill("PAUSE = 5");
  await page.getByTestId("search-go").click();
  await page.getByTestId("hit").first().click();
  await page.locator('[data-testid="file"][data-state="text"]').waitFor();
  await page.locator(".cm-content").click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("// the end");
  await page.getByTestId("save").click();
  await page.getByText("Saved", { exact: true }).waitFor();
  await page.getByTestId("tab-git").click();
  await page.locator('[data-testid="group-unstaged"] [data-testid="change"][data-path="src/auth/login.ts"]').click();
  const parts = await page.getByTestId("stage-hunk").count();
  must(parts >= 2, `one part only: ${parts}`);
  await page.getByTestId("stage-hunk").first().click();
  await page.waitForFunction((n) => document.querySelectorAll('[data-testid="stage-hunk"]').length === n - 1, parts);
  await page.getByTestId("git-back").click();
  await page.locator('[data-testid="group-staged"] [data-testid="change"][data-path="src/auth/login.ts"]').waitFor();
  await page.locator('[data-testid="group-unstaged"] [data-testid="change"][data-path="src/auth/login.ts"]').waitFor();
  await page.getByTestId("commit-open").click();
  await page.getByTestId("commit-message").fill("Normalise the address");
  await page.getByTestId("commit").click();
  await page.getByTestId("committed").filter({ hasText: "Normalise the address" }).waitFor();
  must((await page.getByTestId("ahead").innerText()).startsWith("3 to push"), "not counted");
  await page.getByTestId("push").click();
  await page.getByTestId("consent").getByText("git@git.example.com:ada/api.git").waitFor();
  await page.getByTestId("consent").getByTestId("allow-once").click();
  await page.locator('[data-testid="approval-card"][data-state="finished"]').waitFor();
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.waitForFunction(() => document.querySelector('[data-testid="ahead"]')?.textContent === "");
});
await walk("read a secret after allowing it, delete a file and bring it back, keep an edit over a reload", `/projects/${S(1)}/files/file/~denv`, "rich", async (page) => {
  await page.getByTestId("consent").getByTestId("allow-once").click();
  await page.locator('[data-testid="file"][data-state="text"]').waitFor();
  must((await page.getByTestId("consent").count()) === 0, "the sheet stayed");
  await page.goto(`${base}/projects/${S(1)}/files/file/package~djson?mock=rich`);
  await page.locator(".cm-content").click();
  await page.keyboard.type("{}");
  await page.getByTestId("save").waitFor();
  await page.waitForTimeout(500);
  await page.reload();
  await page.getByTestId("save").waitFor();
  must((await page.locator(".cm-content").innerText()).includes("{}"), "the draft is lost");
  await page.getByTestId("file-menu").click();
  await page.getByTestId("delete").click();
  await page.getByTestId("folder").waitFor();
  await page.getByTestId("trash").click();
  await page.getByTestId("restore").first().click();
  await page.getByText("The trash is empty.").waitFor();
});
await walk("turn comments on a change into a prompt", `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`, "rich", async (page) => {
  await page.getByTestId("comment-line").nth(4).click();
  await page.getByTestId("comment-text").fill("Say why.");
  await page.getByTestId("comment-add").click();
  await page.getByTestId("comments-send").click();
  await page.getByTestId("comments-session").first().click();
  await page.getByText("Please work through these comments").first().waitFor();
});

await walk("go anywhere by keyboard, and a favourite into the line", `/projects/${S(1)}/git`, "rich", async (page) => {
  await page.getByTestId("change").first().waitFor();
  await page.keyboard.press("Control+k");
  await page.locator('[data-testid="palette-query"]:focus').waitFor();
  await page.getByTestId("palette-entry").filter({ hasText: "Run:" }).waitFor();
  await page.keyboard.type("run npm");
  await page.keyboard.press("Enter");
  await page.getByTestId("command-line").waitFor();
  must((await page.getByTestId("command-line").inputValue()) === "npm test -- --run", "the favourite is not in the line");
  must((await page.locator('[data-testid="run"][data-state="running"]').count()) === 0, "it ran by itself");
  await page.keyboard.press("Control+k"); // also while something is typed
  await page.getByTestId("palette-query").fill("log of");
  await page.keyboard.press("Enter");
  await page.getByTestId("log-line").first().waitFor();
  must(new URL(page.url()).pathname === "/machine/logs", "not at the log");
  await page.getByTestId("logs-level").selectOption("error");
  await page.getByTestId("log-line").filter({ hasText: "a transfer failed" }).waitFor();
  must((await page.getByTestId("log-line").count()) === 1, "lines below the level");
});
await walk("a command with a folder, variables and a time limit", `/projects/${S(1)}/runs`, "rich", async (page) => {
  await page.getByTestId("run-more").click();
  await page.getByTestId("run-cwd").fill("packages/api");
  await page.getByTestId("run-env").fill("not a variable");
  await page.getByTestId("run-seconds").fill("600");
  await page.getByTestId("command-line").fill("npm test");
  await page.getByTestId("command-run").click();
  await page.getByRole("alert").filter({ hasText: "Line 1" }).waitFor();
  await page.getByTestId("run-env").fill("CI=1");
  await page.getByTestId("command-run").click();
  await page.locator('[data-testid="run"]', { hasText: "in packages/api" }).waitFor();
  must((await page.getByTestId("run-options").count()) === 0, "the form stays open");
});
await walk("who wrote a line, from the file and from its change, and two branches compared", `/projects/${S(1)}/files/file/src%2Fauth%2Flogin~dts`, "rich", async (page) => {
  await page.getByTestId("file-menu").click();
  await page.getByTestId("entry-blame").click();
  await page.getByTestId("blame-block").first().click();
  await page.getByTestId("diff-file").first().waitFor();
  await page.goBack();
  await page.getByTestId("blame").waitFor();
  await page.goto(`${base}/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts?mock=rich`);
  await page.getByTestId("diff-options").click();
  await page.getByTestId("diff-blame").click();
  await page.getByTestId("blame-block").first().waitFor();
  await page.goto(`${base}/projects/${S(1)}/git?mock=rich`);
  await page.getByTestId("git-compare").click();
  await page.getByTestId("compare-to").selectOption("origin/main");
  await page.getByTestId("compare-parted").waitFor();
  await page.getByTestId("compare-to").selectOption("");
  await page.getByTestId("git-diff").first().waitFor();
  must((await page.locator(".word").count()) > 0, "no word is marked");
  await page.getByTestId("diff-options").click();
  await page.getByTestId("diff-words").uncheck();
  must((await page.locator(".word").count()) === 0, "words are marked still");
});
await walk("push a tag and delete a branch there, each after allowing it", `/projects/${S(1)}/git/tags`, "rich", async (page) => {
  await page.getByTestId("tag-menu").first().click();
  await page.getByTestId("tag-push").click();
  await page.getByTestId("consent").getByTestId("allow-once").click();
  await page.getByTestId("consent").locator('[data-state="finished"]').waitFor();
  await page.goto(`${base}/projects/${S(1)}/git/branches?mock=rich`);
  await page.getByTestId("branch-menu").last().click();
  await page.getByTestId("branch-delete-remote").click();
  await page.getByTestId("consent").getByTestId("allow-once").click();
  await page.getByTestId("consent").locator('[data-state="finished"]').waitFor();
});
await walk("how far a push is", `/projects/${S(1)}/git`, "pushing", async (page) => {
  await page.getByTestId("transfer-progress").getByText("62%").waitFor();
  must((await page.getByTestId("transfer-progress").locator("progress").getAttribute("value")) === "62", "the bar tells another part");
  await page.getByTestId("transfer-stop").click();
  await page.getByTestId("transfer-progress").waitFor({ state: "detached" });
});
await walk("read a PDF", `/projects/${S(1)}/files/file/docs%2Fnotes~dpdf`, "rich", async (page) => {
  await page.getByTestId("pdf-next").click();
  await page.getByTestId("pdf-page").filter({ hasText: "2 of 2" }).waitFor();
  await page.getByTestId("pdf-text").click();
  await page.getByText("The second page").waitFor();
});
await browser.close();
server.close();
rmSync(built, { recursive: true });
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
