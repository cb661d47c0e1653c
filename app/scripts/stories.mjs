// Walks every screen in Chromium on the mock machine: runs axe-core on each (phone and desk, dark and light), takes pictures where a folder for them is
// named, and fails on any finding, console error or policy violation. Usage: node scripts/stories.mjs [out-folder] [name-filter] [size.theme]
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { chromium } from "playwright-core";
import { mockApp } from "./mock-app.mjs";
import { lasting, pushService, readBefore, settled, stored } from "./pages.mjs";
import { closed, ENGINE, inTurns, serve } from "./serving.mjs";

const out = process.argv[2] ? resolve(process.argv[2]) : null;
const filter = process.argv[3] ?? "";
const only = process.argv[4] ?? ""; // "phone.dark", say
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
if (out) mkdirSync(out, { recursive: true });

const S = (n) => `0198c1d0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
/** The mock's two machines. */
const ATLAS = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
const BOREALIS = "b2d07e66c41f4e7f90c3aa5518e6f70d";
/** Four coloured fields, 2 × 2. */
const PICTURE = {
  name: "screenshot.png",
  mimeType: "image/png",
  buffer: Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAFklEQVR4nGP8z8Dwn4GBgYGJAQoAHgQCAbGUoLoAAAAASUVORK5CYII=", "base64"),
};
/** Shows only some of the sessions. */
const pick = (filter) => async (page) => page.locator(`[data-filter="${filter}"]`).click();
/** One that works and one that rests. */
const selectTwo = async (page) => {
  await page.getByTestId("select").click();
  await page.getByTestId("selection-bar").waitFor();
  for (const id of [S(105), S(103)])
    await page
      .locator("li", { has: page.locator(`a[href$="${id}"]`) })
      .locator("[data-pick]")
      .click();
};
const click = (id) => async (page) => page.getByTestId(id).first().click();
/** After `act`, old and new side by side. */
const sides =
  (act = async () => undefined) =>
  async (page) => {
    await act(page);
    if ((await page.locator("[data-sides]").count()) === 0) await page.getByTestId("diff-sides").first().click();
    await page.locator(".pair").first().waitFor();
  };
/** Reads everything, and opens the app again where the machine can't be reached. */
const cold = (path) => async (page) => {
  await readBefore(page);
  await page.goto(new URL(`${path}?mock=offline`, page.url()).href);
  await page.getByTestId("as-of").waitFor();
};
/** Opens the session's menu, and waits for what it says about the worktree. */
/** A clone of that address; null: as it is asked for. */
const cloneOf = (address) => async (page) => {
  await page.getByTestId("folder-clone").click();
  await page.getByTestId("clone-address").fill(address ?? "https://git.example/ada/shop.git");
  if (address === null) return;
  await page.getByTestId("clone-begin").click();
  if (address.includes("slow")) await page.getByTestId("clone-phase").filter({ hasText: "42" }).waitFor();
  else await page.getByTestId("clone-end").waitFor();
};
const openWorktree = (id) => async (page) => {
  await page.getByTestId("session-menu").click();
  await page.getByTestId(id).scrollIntoViewIfNeeded();
};
const stories = [
  ["design", "rich&design", "/"],
  ["design-sheet", "rich&design", "/", click("design-sheet")],
  ["pair-start", "unpaired", "/"],
  [
    "pair-scan",
    "unpaired",
    "/",
    async (page) => {
      await page.getByTestId("qr-open").click();
      await page.locator('[data-testid="qr-scanner"][data-problem]').waitFor();
    },
  ],
  ["pair-shared", "unpaired&shared=1", "/new"],
  ["new-session-missed", "rich&shared=missed", "/new"],
  ["pair-confirm", "unpaired", "/", null, "#pair=aaaaaaaaaaaa"],
  ["inbox", "rich", "/"],
  [
    "inbox-swipe",
    "rich",
    "/",
    async (page) => {
      await page.getByTestId("swipe-hint").waitFor({ state: "attached" });
      const cdp = await page.context().newCDPSession(page);
      const box = await page.locator(`[data-swipe="${S(205)}"]`).boundingBox();
      const touch = (type, x) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: [{ x, y: box.y + box.height / 2 }] });
      await touch("touchStart", 300);
      for (const x of [270, 230, 160]) await touch("touchMove", x);
      await page.getByTestId("swipe-cue").waitFor();
    },
  ],
  ["inbox-empty", "quiet", "/"],
  ["inbox-offline", "offline", "/"],
  ["inbox-alarm", "badhead", "/"],
  ["inbox-refused", "refused", "/"],
  ["inbox-revoked", "revoked", "/"],
  ["account-signed-out", "signedout&accounts=out", "/", async (page) => page.getByTestId("account-trouble").waitFor()],
  [
    "account-sign-in",
    "signedout&accounts=out",
    "/",
    async (page) => {
      await page.getByTestId("account-sign-in").click();
      await page.getByTestId("account-name").fill("ada");
      await page.getByTestId("account-password").fill("wrong password");
      await page.getByTestId("account-submit").click();
      await page.getByTestId("account-problem").waitFor();
    },
  ],
  [
    "account-welcome",
    "unpaired&accounts=owner",
    "/welcome",
    async (page) => page.getByTestId("welcome-already").waitFor(),
    `#${"A".repeat(43)}`,
  ],
  ["account-welcome-broken", "unpaired&accounts=out", "/welcome", async (page) => page.getByTestId("account-problem").waitFor(), "#short"],
  [
    "account-welcome-done",
    "unpaired&accounts=out",
    "/welcome",
    async (page) => {
      await page.getByTestId("account-name").fill("ada");
      await page.getByTestId("passkey-or-password").click();
      await page.getByTestId("account-password").fill("correct horse battery");
      await page.getByTestId("account-submit").click();
      await page.getByTestId("account-facts").waitFor();
    },
    `#${"A".repeat(43)}`,
  ],
  ["account", "rich&accounts=owner", "/you/account", async (page) => page.getByTestId("account-me").waitFor()],
  [
    "account-ended",
    "rich&accounts=owner",
    "/you/account",
    async (page) => {
      await page.getByTestId("sign-in-end").click();
      await page.getByTestId("sign-in-end-confirm").click();
      await page.locator('[data-testid="sign-in"]').nth(1).waitFor({ state: "detached" });
    },
  ],
  [
    "account-passkey",
    "rich&accounts=owner",
    "/you/account",
    async (page) => {
      await page.getByTestId("passkey-end").first().click();
      await page.getByTestId("passkey-remove").waitFor();
    },
  ],
  [
    "account-passkey-name",
    "rich&accounts=owner",
    "/you/account",
    async (page) => {
      await page.getByTestId("passkey-edit").first().click();
      await page.getByTestId("passkey-name").fill("My phone \u200b");
      await page.getByTestId("passkey-name-fault").waitFor();
      await page.getByTestId("passkey-name").fill("My phone");
      await page.getByTestId("passkey-rename").click();
      await page.getByTestId("passkey").filter({ hasText: "My phone" }).waitFor();
    },
  ],
  ["account-alone", "unpaired&accounts=viewer", "/account", async (page) => page.getByTestId("account-me").waitFor()],
  [
    "account-password",
    "rich&accounts=owner",
    "/you/account",
    async (page) => {
      await page.getByTestId("password-change").click();
      await page.getByTestId("password-next").fill("short");
    },
  ],
  [
    "account-machine-asks",
    "rich&accounts=owner",
    "/account/machine",
    async (page) => page.getByTestId("machine-asking").waitFor(),
    "#ABCDEFGH",
  ],
  ["account-machines", "rich&accounts=owner", "/account/machine", async (page) => page.getByTestId("gateway-machine").first().waitFor()],
  [
    "account-machine-remove",
    "rich&accounts=owner",
    "/account/machine",
    async (page) => {
      await page.getByTestId("machine-remove").first().click();
      await page.getByTestId("machine-remove-hold").waitFor();
    },
  ],
  [
    "account-service-declined",
    "unpaired&accounts=out",
    "/account/signed-in/github",
    async (page) => page.getByTestId("account-problem").waitFor(),
    `&state=${"A".repeat(43)}&error=access_denied`,
  ],
  ["people", "rich&accounts=owner", "/you/people", async (page) => page.getByTestId("person").first().waitFor()],
  [
    "people-invite",
    "rich&accounts=owner",
    "/you/people",
    async (page) => {
      await page.getByTestId("invite").click();
      await page.getByTestId("machine-choice").first().check();
    },
  ],
  [
    "people-invited",
    "rich&accounts=owner",
    "/you/people",
    async (page) => {
      await page.getByTestId("invite").click();
      await page.getByTestId("machine-choice").first().check();
      await page.getByTestId("invite-make").click();
      await page.getByTestId("invite-link").waitFor();
    },
  ],
  [
    "people-change",
    "rich&accounts=owner",
    "/you/people",
    async (page) => page.locator('[data-testid="person"][data-name^="grace"]').getByTestId("person-change").click(),
  ],
  ["inbox-version", "version", "/"],
  ["review", "rich", `/review/${S(201)}`],
  ["review-edit", "rich", `/review/${S(202)}`],
  ["review-question", "rich", `/review/${S(203)}`],
  [
    "review-end",
    "rich",
    "/review",
    async (page) => {
      await page.getByTestId("review-card").waitFor();
      for (let skip = 0; skip < 11; skip++) await page.getByTestId("review-next").click();
      await page.getByTestId("review-end").waitFor();
    },
  ],
  ["review-machines", "rich&second=rich", `/m/${ATLAS}/review/${S(201)}/${BOREALIS}`],
  [
    "review-away",
    "rich&second=rich",
    `/m/${ATLAS}/review/${S(201)}/${BOREALIS}`,
    async (page) => {
      await page.locator(`[data-testid="review-card"][data-machine="${BOREALIS}"]`).waitFor();
      await page.evaluate(() => globalThis.mockSecond.offline());
      await page.getByTestId("review-card").getByTestId("card-barred").waitFor();
    },
  ],
  [
    "review-away-end",
    "rich&second=rich",
    `/m/${ATLAS}/review`,
    async (page) => {
      await page.getByTestId("review-position").filter({ hasText: "22" }).waitFor();
      await page.evaluate(() => globalThis.mockSecond.offline());
      for (let skip = 0; skip < 22; skip++) await page.getByTestId("review-next").click();
      await page.getByTestId("review-end").waitFor();
    },
  ],
  ["approval-command", "rich", `/approvals/${S(201)}`],
  ["approval-hidden", "rich", `/approvals/${S(207)}`],
  ["approval-edit", "rich", `/approvals/${S(202)}`],
  ["approval-edit-sides", "rich", `/approvals/${S(202)}`, sides()],
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
  ["approval-destructive", "rich", `/approvals/${S(213)}`],
  ["approval-two-people", "two-people", `/approvals/${S(213)}`],
  ["devices-limited", "two-people", "/you/devices"],
  [
    "devices-chat-code",
    "rich",
    "/you/devices",
    async (page) => {
      await page.getByTestId("chat-invite").click();
      await page.getByTestId("chat-code-make").click();
      await page.getByTestId("chat-code").waitFor();
    },
  ],
  ["approval-destructive-more", "rich", `/approvals/${S(213)}`, click("allow-more")],
  [
    "approval-done",
    "rich",
    `/approvals/${S(201)}`,
    async (page) => {
      await page.getByTestId("allow-once").first().click();
      await page.locator('[data-state="finished"]').first().waitFor();
    },
  ],
  ["approval-viewer", "viewer", `/approvals/${S(201)}`],
  ["sessions", "rich", "/sessions"],
  ["sessions-many", "many", "/sessions"],
  ["approval-long", "many", `/approvals/${S(201)}`],
  // A network that gives nothing yet: what stands there until it does.
  ["inbox-slow", "mute", "/"],
  ["session-slow", "mute", `/sessions/${S(101)}`],
  ["sessions-unread", "rich", "/sessions", pick("unread")],
  ["sessions-snoozed", "rich", "/sessions", pick("snoozed")],
  ["sessions-selected", "rich", "/sessions", selectTwo],
  [
    "sessions-labels",
    "rich",
    "/sessions",
    async (page) => {
      await selectTwo(page);
      await page.getByTestId("mark-label").click();
      await page.getByTestId("label-new").fill("weekend");
      await page.getByTestId("label-add").click();
    },
  ],
  [
    "sessions-snooze",
    "rich",
    "/sessions",
    async (page) => {
      await selectTwo(page);
      await page.getByTestId("mark-snooze").click();
    },
  ],
  [
    "sessions-delete",
    "rich",
    "/sessions",
    async (page) => {
      await selectTwo(page);
      await page.getByTestId("mark-delete").click();
    },
  ],
  [
    "sessions-failed",
    "rich",
    "/sessions",
    async (page) => {
      await selectTwo(page);
      await page.getByTestId("mark-archive").click();
      await page.getByTestId("mark-failures").waitFor();
    },
  ],
  [
    "session-subagent",
    "rich",
    `/sessions/${S(101)}`,
    async (page) => {
      const call = page.getByRole("button", { name: /Task Find every caller/ });
      await page.getByTestId("transcript").evaluate((view) => view.scrollTo(0, view.scrollHeight / 2));
      await call.scrollIntoViewIfNeeded();
      await call.click();
    },
  ],
  ["session-menu", "rich", `/sessions/${S(103)}`, click("session-menu")],
  ["new-session", "rich", "/new"],
  ["new-session-fresh", "fresh", "/new"],
  [
    "new-session-worktree",
    "rich",
    `/new/${S(1)}`,
    async (page) => {
      await page.getByTestId("prompt-input").fill("Slow down guessing");
      await page.getByTestId("worktree-switch").check();
      await page.getByTestId("worktree-branch").scrollIntoViewIfNeeded();
    },
  ],
  ["new-session-worktrees", "worktree", "/new"],
  ["machine-worktrees", "worktree", "/machine"],
  ["session-worktree", "worktree", `/sessions/${S(101)}`],
  ["session-worktree-menu", "worktree", `/sessions/${S(101)}`, openWorktree("worktree-state")],
  [
    "session-worktree-loss",
    "worktree-dirty",
    `/sessions/${S(101)}`,
    async (page) => {
      await openWorktree("worktree-hindrance")(page);
      await page.getByTestId("worktree-discard").click();
      await page.getByTestId("worktree-discard-hold").scrollIntoViewIfNeeded();
    },
  ],
  ["session-worktree-conflict", "worktree-conflict", `/sessions/${S(101)}`, openWorktree("worktree-hindrance")],
  [
    "begun-list",
    "rich",
    `/new/${S(1)}`,
    async (page) => {
      await page.getByTestId("begun-open").click();
      await page.getByTestId("begun-item").first().waitFor();
    },
  ],
  [
    "begun-picked",
    "rich",
    `/new/${S(1)}`,
    async (page) => {
      await page.getByTestId("begun-open").click();
      await page.getByTestId("begun-item").nth(1).click();
      await page.getByTestId("begun").waitFor();
    },
  ],
  ["begun-session", "rich", `/sessions/${S(108)}`],
  ["new-session-defaults", "rich", `/new/${S(2)}`],
  ["session-main", "rich", `/sessions/${S(101)}`],
  [
    "session-top",
    "rich",
    `/sessions/${S(101)}`,
    async (page) => {
      await page.getByTestId("transcript").evaluate((view) => {
        view.scrollTop = 0;
      });
    },
  ],
  [
    "session-tool-open",
    "rich",
    `/sessions/${S(101)}`,
    async (page) => {
      await page
        .getByRole("button", { name: /npm test/ })
        .first()
        .click();
    },
  ],
  [
    "session-undo",
    "rich",
    `/sessions/${S(101)}`,
    async (page) => {
      await page
        .getByRole("button", { name: /npm test/ })
        .first()
        .click();
      await page.getByTestId("undo").first().click();
      await page.getByTestId("undo-files").waitFor();
    },
  ],
  ["session-working", "rich", `/sessions/${S(105)}`],
  [
    "session-jobs",
    "rich",
    `/sessions/${S(105)}`,
    async (page) => {
      await page.getByTestId("job").click();
      await page.getByText("GET /health").first().waitFor();
    },
  ],
  [
    "session-sheet",
    "rich",
    `/sessions/${S(101)}`,
    async (page) => {
      await page.getByTestId("session-menu").click();
      await page.getByTestId("session-effort").waitFor();
    },
  ],
  [
    "session-palette",
    "rich",
    `/sessions/${S(101)}`,
    async (page) => {
      await page.getByTestId("prompt-input").fill("/c");
      await page.getByTestId("prompt-input").press("ArrowDown");
      await page.getByTestId("slash-palette").waitFor();
    },
  ],
  [
    "session-steer",
    "rich",
    `/sessions/${S(105)}`,
    async (page) => {
      await page.getByTestId("prompt-input").fill("Rather use the slim variant.");
      await page.getByTestId("steer-now").waitFor();
      await page
        .getByTestId("steer")
        .first()
        .evaluate((said) => said.scrollIntoView({ block: "center" }));
    },
  ],
  [
    "session-attach",
    "rich",
    `/sessions/${S(103)}`,
    async (page) => {
      await page
        .getByTestId("attach-input")
        .setInputFiles([
          PICTURE,
          { name: "notes with a rather long name that must be cut.txt", mimeType: "text/plain", buffer: Buffer.alloc(3000, "a") },
        ]);
      await page.locator('[data-testid="attachment"][data-done="true"]').nth(1).waitFor();
      await page.getByTestId("prompt-input").fill("Why is the button cut off?");
    },
  ],
  [
    "session-attached",
    "rich",
    `/sessions/${S(103)}`,
    async (page) => {
      await page
        .getByTestId("attach-input")
        .setInputFiles([PICTURE, { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.alloc(3000, "a") }]);
      await page.locator('[data-testid="attachment"][data-done="true"]').nth(1).waitFor();
      await page.getByTestId("prompt-input").fill("Why is the button cut off?");
      await page.getByTestId("send").click();
      await page.getByTestId("attached").locator("img").waitFor();
    },
  ],
  [
    "session-files",
    "rich",
    `/sessions/${S(103)}`,
    async (page) => {
      await page.getByTestId("prompt-input").click();
      await page.keyboard.type("look at @se");
      await page.getByTestId("completion").waitFor();
      await page.keyboard.press("ArrowDown");
    },
  ],
  [
    "session-fork",
    "rich",
    `/sessions/${S(103)}`,
    async (page) => {
      await page.getByTestId("session-menu").click();
      await page.getByTestId("fork").click();
      await page.getByTestId("fork-prompt").fill("Try it with a queue instead");
      await page.getByRole("dialog").getByTestId("attach-input").setInputFiles([PICTURE]);
      await page.getByRole("dialog").locator('[data-testid="attachment"][data-done="true"]').waitFor();
    },
  ],
  [
    "session-forked",
    "rich",
    `/sessions/${S(103)}`,
    async (page) => {
      await page.getByTestId("session-menu").click();
      await page.getByTestId("fork").click();
      await page.getByTestId("fork-prompt").fill("Try it with a queue instead");
      await page.getByTestId("fork-go").click();
      await page.getByTestId("forked").waitFor();
    },
  ],
  ["session-interrupted", "rich", `/sessions/${S(104)}`],
  [
    "terminal",
    "rich",
    `/sessions/${S(105)}/terminal`,
    async (page) => {
      await page.locator('[data-testid="terminal"][data-state="live"]').waitFor();
      await page.locator(".xterm textarea").focus();
      await page.keyboard.type("echo hi");
      await page.keyboard.press("Enter");
      await page
        .locator(".xterm-rows", { hasText: /^.*hi.*$/ })
        .first()
        .waitFor();
      await page.getByTestId("terminal-find").click();
      await page.locator("input[type=search]").fill("hi");
      await page.getByTestId("terminal-hits").filter({ hasText: /\d/ }).waitFor();
    },
  ],
  [
    "terminal-flood",
    "rich",
    `/sessions/${S(105)}/terminal`,
    async (page) => {
      await page.locator('[data-testid="terminal"][data-state="live"]').waitFor();
      await page.locator(".xterm textarea").focus();
      await page.keyboard.type("flood");
      await page.keyboard.press("Enter");
      await page.getByTestId("terminal-skipped").waitFor();
      await page.getByTestId("terminal-pause").click();
      await page.getByTestId("terminal-paused").waitFor();
    },
  ],
  [
    "terminal-menu",
    "rich",
    `/sessions/${S(105)}/terminal`,
    async (page) => {
      await page.locator('[data-testid="terminal"][data-state="live"]').waitFor();
      await page.getByTestId("terminal-menu").click();
      await page.getByTestId("terminal-end").waitFor();
    },
  ],
  ["terminal-viewer", "viewer", `/sessions/${S(105)}/terminal`],
  [
    "output-pane",
    "rich",
    `/sessions/${S(105)}`,
    async (page) => {
      await page.getByTestId("output-as-terminal").click();
      await page.locator('[data-testid="output-pane"] .xterm-rows', { hasText: "Get:1" }).waitFor();
    },
  ],
  ["terminal-none", "rich", `/sessions/${S(101)}/terminal`],
  ["terminal-limited", "limited", `/sessions/${S(105)}/terminal`],
  ["project-limited", "limited", `/projects/${S(1)}/files`],
  ["project-git-limited", "limited", `/projects/${S(1)}/git`],
  ["project-runs-limited", "two-people", `/projects/${S(1)}/runs`],
  ["inbox-ready", "ready", "/", async (page) => page.getByTestId("first-key").waitFor()],
  ["provider-keys", "rich", "/machine/keys", async (page) => page.getByTestId("key-row").first().waitFor()],
  ["provider-keys-viewer", "viewer", "/machine/keys"],
  ["provider-keys-set", "rich", "/machine/keys", click("key-row")],
  [
    "provider-keys-refused",
    "rich",
    "/machine/keys",
    async (page) => {
      await page.getByTestId("key-row").nth(1).click();
      await page.getByTestId("key-value").fill("sk-wrong-key-0123456789");
      await page.getByTestId("key-save").click();
      await page.getByTestId("key-verdict").waitFor();
      await page.getByTestId("key-value").fill("too short");
    },
  ],
  [
    "provider-keys-news",
    "rich",
    "/",
    async (page) => {
      await stored(page, "values", ["anthropic"]);
      await page.evaluate(() => globalThis.mock.setKey("google", "Old phone"));
      await page.getByTestId("key-notice").waitFor();
    },
  ],
  ["usage", "rich", "/machine/usage", async (page) => page.getByTestId("budget").first().waitFor()],
  ["usage-none", "ready", "/machine/usage", async (page) => page.getByTestId("usage-none").waitFor()],
  ["usage-viewer", "viewer", "/machine/usage", async (page) => page.getByTestId("budget").first().waitFor()],
  ["usage-table", "rich", "/machine/usage", click("usage-table")],
  ["budget-new", "rich", "/machine/usage", click("budget-add")],
  ["budget-owners", "rich", "/machine/usage", click("budget")],
  ["project-add", "rich", "/machine/add", async (page) => page.getByTestId("folder").first().waitFor()],
  [
    "project-add-folder",
    "rich",
    "/machine/add",
    async (page) => {
      await page.getByTestId("folder").filter({ hasText: "src" }).click();
      await page.getByTestId("folder").filter({ hasText: "website" }).waitFor();
    },
  ],
  [
    "project-add-new",
    "rich",
    "/machine/add",
    async (page) => {
      await page.getByTestId("folder-new").click();
      await page.getByTestId("new-project-name").fill("garden");
    },
  ],
  ["project-clone", "rich", "/machine/add", cloneOf(null)],
  ["project-clone-running", "rich", "/machine/add", cloneOf("git@git.example:ada/slow.git")],
  ["project-clone-refused", "rich", "/machine/add", cloneOf("https://git.example/ada/private.git")],
  ["project-add-viewer", "viewer", "/machine/add"],
  ["project-settings", "rich", `/projects/${S(1)}/files`, click("project-menu")],
  [
    "project-files",
    "rich",
    `/projects/${S(1)}/files/folder/docs`,
    async (page) => {
      await page.getByTestId("entry").first().waitFor();
    },
  ],
  [
    "project-root",
    "rich",
    `/projects/${S(1)}`,
    async (page) => {
      await page.getByTestId("entry").first().waitFor();
      await page.getByTestId("upload-input").setInputFiles([{ name: "photo.png", mimeType: "image/png", buffer: Buffer.alloc(3000, "a") }]);
      await page.locator('[data-testid="upload"][data-state="done"]').waitFor();
    },
  ],
  [
    "project-search",
    "rich",
    `/projects/${S(1)}/files/search`,
    async (page) => {
      await page.getByTestId("search-query").fill("verify");
      await page.keyboard.press("Enter");
      await page.getByTestId("hit").first().waitFor();
    },
  ],
  [
    "project-editor",
    "rich",
    `/projects/${S(1)}/files/file/src%2Fauth%2Flogin~dts/11`,
    async (page) => {
      await page.locator(".cm-content").click();
      await page.keyboard.type("// ");
      await page.getByTestId("save").waitFor();
    },
  ],
  [
    "project-picture",
    "rich",
    `/projects/${S(1)}/files/file/docs%2Flogo~dpng`,
    async (page) => {
      await page.frameLocator('[data-testid="sealed-frame"]').locator("img").waitFor();
    },
  ],
  [
    "project-pdf",
    "rich",
    `/projects/${S(1)}/files/file/docs%2Fnotes~dpdf`,
    async (page) => {
      await page.getByTestId("pdf-page").filter({ hasText: /1 .*2/ }).waitFor({ timeout: 60_000 });
      await page.frameLocator('[data-testid="sealed-frame"]').locator("img").waitFor();
    },
  ],
  [
    "project-pdf-text",
    "rich",
    `/projects/${S(1)}/files/file/docs%2Fnotes~dpdf`,
    async (page) => {
      await page.getByTestId("pdf-next").click({ timeout: 60_000 });
      await page.getByTestId("pdf-page").filter({ hasText: /2 .*2/ }).waitFor();
      await page.getByTestId("pdf-text").click();
      await page.getByTestId("pdf-words").getByText("The second page").waitFor();
    },
  ],
  [
    "project-pdf-broken",
    "rich",
    `/projects/${S(1)}/files/file/docs%2Fbroken~dpdf`,
    async (page) => {
      await page.getByTestId("pdf-problem").waitFor({ timeout: 60_000 });
    },
  ],
  [
    "project-page",
    "rich",
    `/projects/${S(1)}/files/file/docs%2Fpage~dhtml`,
    async (page) => {
      await page.frameLocator('[data-testid="sealed-frame"]').getByText("Release notes").waitFor();
    },
  ],
  [
    "project-secret",
    "rich",
    `/projects/${S(1)}/files/file/~denv`,
    async (page) => {
      await page.getByTestId("consent").waitFor();
    },
  ],
  [
    "project-git",
    "rich",
    `/projects/${S(1)}/git`,
    async (page) => {
      await page.getByTestId("change").first().waitFor();
    },
  ],
  [
    "project-diff",
    "rich",
    `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`,
    async (page) => {
      await page.getByTestId("comment-line").nth(5).click();
      await page.getByTestId("comment-text").fill("Say why it is five.");
      await page.getByTestId("comment-add").click();
      await page.getByTestId("choose-lines").click();
      await page.getByTestId("choose-line").first().click();
      await page.getByTestId("comment").waitFor();
    },
  ],
  [
    "project-diff-sides",
    "rich",
    `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`,
    sides(async (page) => {
      await page.getByTestId("comment-line").nth(5).click();
      await page.getByTestId("comment-text").fill("Say why it is five.");
      await page.getByTestId("comment-add").click();
      await page.getByTestId("comment").waitFor();
    }),
  ],
  [
    "session-sides",
    "rich",
    `/sessions/${S(101)}`,
    sides(async (page) => {
      await page.locator(".third-pane summary").first().click();
    }),
  ],
  [
    "project-diff-options",
    "rich",
    `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`,
    async (page) => {
      await page.getByTestId("diff-options").click();
      await page.getByTestId("diff-blame").waitFor();
    },
  ],
  [
    "project-diff-words",
    "rich",
    `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`,
    async (page) => {
      await page.locator(".word").first().waitFor();
    },
  ],
  [
    "project-blame",
    "rich",
    `/projects/${S(1)}/git/blame/src%2Fauth%2Flogin~dts`,
    async (page) => {
      await page.getByTestId("blame-block").first().waitFor();
    },
  ],
  [
    "project-compare",
    "rich",
    `/projects/${S(1)}/git/compare/main`,
    async (page) => {
      await page.getByTestId("git-diff").first().waitFor();
    },
  ],
  [
    "project-commit",
    "rich",
    `/projects/${S(1)}/git/log`,
    async (page) => {
      await page.getByTestId("commit-row").first().click();
      await page.getByTestId("diff-file").first().waitFor();
    },
  ],
  [
    "project-branches",
    "rich",
    `/projects/${S(1)}/git/branches`,
    async (page) => {
      await page.getByTestId("branch-row").first().waitFor();
    },
  ],
  [
    "project-tags",
    "rich",
    `/projects/${S(1)}/git/tags`,
    async (page) => {
      await page.getByTestId("tag-create").waitFor();
      await page.getByText("v1.2.0", { exact: true }).waitFor();
    },
  ],
  [
    "project-branch-menu",
    "rich",
    `/projects/${S(1)}/git/branches`,
    async (page) => {
      await page.getByTestId("branch-menu").last().click();
      await page.getByTestId("branch-compare").waitFor();
    },
  ],
  [
    "project-tag-menu",
    "rich",
    `/projects/${S(1)}/git/tags`,
    async (page) => {
      await page.getByTestId("tag-menu").first().click();
      await page.getByTestId("tag-delete").waitFor();
    },
  ],
  [
    "project-worktrees",
    "rich",
    `/projects/${S(1)}/git/worktrees`,
    async (page) => {
      await page.getByTestId("worktree").first().waitFor();
    },
  ],
  [
    "project-stash",
    "rich",
    `/projects/${S(1)}/git/stash`,
    async (page) => {
      await page.getByTestId("stash-pop").first().waitFor();
    },
  ],
  [
    "project-pushing",
    "pushing",
    `/projects/${S(1)}/git`,
    async (page) => {
      await page.getByTestId("transfer-progress").getByText("62%").waitFor();
    },
  ],
  [
    "project-log",
    "rich",
    `/projects/${S(1)}/git/log`,
    async (page) => {
      await page.getByTestId("commit-row").first().waitFor();
    },
  ],
  [
    "project-conflict",
    "conflict",
    `/projects/${S(1)}/git/conflict/src%2Fserver~dts`,
    async (page) => {
      await page.getByTestId("conflict-text").waitFor();
    },
  ],
  [
    "project-runs",
    "rich",
    `/projects/${S(1)}/runs`,
    async (page) => {
      await page.getByTestId("command-line").fill("npm test");
      await page.keyboard.press("Enter");
      await page.locator('[data-testid="run"][data-state="exited"]', { hasText: "43 passed" }).waitFor();
    },
  ],
  [
    "project-rules",
    "rich",
    `/projects/${S(1)}/runs`,
    async (page) => {
      await page.getByTestId("rules-open").click();
      await page.getByTestId("rule-add").click();
      await page.getByTestId("rule-pattern").nth(2).waitFor();
    },
  ],
  [
    "project-runs-more",
    "rich",
    `/projects/${S(1)}/runs`,
    async (page) => {
      await page.getByTestId("run-more").click();
      await page.getByTestId("run-cwd").fill("packages/api");
      await page.getByTestId("run-env").fill("CI=1\nNODE_ENV=test");
      await page.getByTestId("run-seconds").fill("600");
      await page.getByTestId("command-line").fill("npm test");
    },
  ],
  ["cold-sessions", "rich", `/sessions/${S(101)}`, cold("/sessions")],
  ["cold-session", "rich", `/sessions/${S(101)}`, cold(`/sessions/${S(101)}`)],
  ["cold-inbox", "rich", `/sessions/${S(101)}`, cold("/")],
  ["cold-new", "rich", `/sessions/${S(101)}`, cold("/new")],
  ["machine", "rich", "/machine"],
  ["machine-fresh", "fresh", "/machine"],
  [
    "machine-status",
    "rich",
    "/machine/status",
    async (page) => {
      await page.locator("dl").first().waitFor();
    },
  ],
  [
    "machine-logs",
    "rich",
    "/machine/logs",
    async (page) => {
      await page.getByTestId("log-line").nth(3).waitFor();
      await page.locator("summary").first().click();
    },
  ],
  ["machine-logs-viewer", "viewer", "/machine/logs"],
  [
    "palette",
    "rich",
    `/projects/${S(1)}/git`,
    async (page) => {
      await page.getByTestId("change").first().waitFor();
      await page.keyboard.press("Control+k");
      await page.getByTestId("palette-entry").first().waitFor();
      await page.keyboard.press("ArrowDown");
    },
  ],
  [
    "palette-found",
    "rich",
    "/",
    async (page) => {
      await page.keyboard.press("Control+k");
      await page.getByTestId("palette-query").fill("web g");
      await page.getByTestId("palette-entry").first().waitFor();
    },
  ],
  ["you", "rich", "/you"],
  ["devices", "rich", "/you/devices"],
  ["notifications-none", "rich", "/you/notifications"],
  [
    "notifications-on",
    "rich",
    "/you",
    async (page) => {
      await pushService(page);
      await page.locator('a[href="/you/notifications"]').click();
      await page.getByTestId("notifications-on").click();
      await page.getByTestId("notify-quiet").check();
      await page.getByTestId("quiet-from").waitFor();
      await page.getByTestId("notifications-test").click();
      await page.getByTestId("notifications-tested").filter({ hasText: /./ }).waitFor();
    },
  ],
  [
    "ledger",
    "rich",
    "/you/ledger",
    async (page) => {
      await page.getByTestId("ledger-verify").click();
      await page.getByTestId("ledger-verdict").waitFor();
    },
  ],
  [
    "ledger-chat",
    "rich",
    "/you/ledger",
    async (page) => {
      const decided = page.getByText(/as Feishu says|由飞书担保/);
      await decided.evaluate((row) => row.scrollIntoView({ block: "center" }));
    },
  ],
  [
    "keys",
    "rich",
    "/",
    async (page) => {
      await page.keyboard.press("?");
    },
  ],
];

/** On a desk each layout is looked at once: these differ from a neighbour in what they say, or are sheets, which look the same there. */
const PHONE_ONLY = new Set([
  "design-sheet",
  "inbox-swipe",
  "inbox-slow",
  "approval-long",
  "session-slow",
  "review-edit",
  "review-question",
  "review-end",
  "review-away",
  "review-away-end",
  "pair-scan",
  "pair-shared",
  "new-session-missed",
  "inbox-offline",
  "inbox-refused",
  "inbox-revoked",
  "ledger-chat",
  "inbox-version",
  "approval-hidden",
  "approval-tool",
  "approval-network-more",
  "approval-prompt",
  "approval-secret",
  "approval-unknown",
  "approval-more",
  "approval-viewer",
  "approval-destructive-more",
  "cold-sessions",
  "cold-session",
  "cold-inbox",
  "cold-new",
  "new-session-fresh",
  "new-session-defaults",
  "begun-picked",
  "begun-session",
  "session-top",
  "session-tool-open",
  "session-steer",
  "session-attached",
  "session-fork",
  "session-forked",
  "terminal-flood",
  "terminal-viewer",
  "terminal-none",
  "terminal-limited",
  "project-limited",
  "project-git-limited",
  "project-runs-limited",
  "project-root",
  "project-picture",
  "project-pdf-text",
  "project-pdf-broken",
  "project-secret",
  "project-diff-options",
  "project-diff-words",
  "project-tags",
  "project-branch-menu",
  "project-tag-menu",
  "project-stash",
  "project-runs-more",
  "project-rules",
  "machine-fresh",
  "machine-logs-viewer",
  "palette-found",
]);

/** What only a desk has room for. */
const DESK_ONLY = new Set(["approval-edit-sides", "project-diff-sides", "session-sides"]);

/** Looked at where there is little height as well. */
const LOW = new Set(["approval-command", "approval-question", "new-session", "session-main", "session-working", "terminal"]);

// A build like the product's, with the mock machine in it, under the product's policy: what breaks there breaks here.
const app = await mockApp();
const { server, base } = await serve(app.folder, { "/assets/axe.js": axe });
const browser = await chromium.launch(ENGINE);

/** Screens whose words and names stand in no other story of that size: looked at in Chinese with odd names, where neither the shape nor the state of others is new. */
const SAME_WORDS =
  /^(design.*|inbox-(swipe|slow)|review-(edit|question)|approval-(hidden|edit|unknown|long|viewer|destructive)|sessions-many|session-(slow|top|tool-open|files|forked|working)|begun-(picked|session)|new-session-defaults|terminal(-flood|-viewer)?|output-pane|project-(root|picture|pdf|pdf-broken|page|diff-words|tags|log|commit|pushing|search|editor)|cold-(sessions|new)|machine-fresh|palette-found|session-attach|project-runs)$/;
/** Where large text or a small page would break first: heads, docked actions, rows, forms. */
const LARGE = new Set([
  "inbox",
  "review",
  "approval-command",
  "approval-destructive",
  "approval-question",
  "sessions",
  "session-main",
  "new-session",
  "project-git",
  "project-diff",
  "you",
  "machine",
]);
const ZOOMED = new Set(["inbox", "review", "session-main", "project-git", "new-session"]);
/** With more contrast, and with the system's few colours instead of ours. */
const CONTRAST = new Set(["inbox", "review", "session-main", "you", "project-diff", "approval-destructive"]);

/** Not in a sealed frame, which has no storage. */
const zh = () => self.origin.startsWith("http") && localStorage.setItem("pocketcoder-language", "zh-Hans");
const largeText = () => addEventListener("DOMContentLoaded", () => (document.documentElement.style.fontSize = "200%"));

/** `like`: more of the browser's context. `init`: run in the page before the app. `mock`: instead of "rich". */
const sizes = [
  { size: "phone", width: 390, height: 844, themes: ["dark", "light"], takes: (name) => !DESK_ONLY.has(name) },
  { size: "desk", width: 1280, height: 800, takes: (name) => !PHONE_ONLY.has(name) },
  { size: "narrow", width: 360, height: 640, takes: (name) => ["inbox", "approval-command", "session-main", "new-session"].includes(name) },
  { size: "wide", width: 1600, height: 900, takes: (name) => ["session-main", "inbox", "sessions-many"].includes(name) },
  { size: "typing", width: 390, height: 420, takes: (name) => LOW.has(name) }, // a phone with its keyboard open
  { size: "landscape", width: 844, height: 390, takes: (name) => LOW.has(name) },
  { size: "zh", width: 390, height: 844, init: zh, mock: "names", takes: (name) => !SAME_WORDS.test(name) && !DESK_ONLY.has(name) },
  {
    size: "names",
    width: 390,
    height: 844,
    mock: "names",
    takes: (name) => ["inbox", "review", "session-main", "machine", "sessions", "devices"].includes(name),
  },
  { size: "large", width: 390, height: 844, like: { deviceScaleFactor: 2 }, init: largeText, takes: (name) => LARGE.has(name) },
  // 1280×800 at 200 %: half as many pixels of the style sheet, twice as fine.
  { size: "zoomed", width: 640, height: 400, like: { deviceScaleFactor: 2 }, takes: (name) => ZOOMED.has(name) },
  { size: "contrast", width: 390, height: 844, like: { contrast: "more" }, takes: (name) => CONTRAST.has(name) },
  { size: "forced", width: 390, height: 844, like: { forcedColors: "active" }, takes: (name) => CONTRAST.has(name) },
];

let bad = 0;
let shots = 0;
const jobs = [];
for (const { themes: all = ["dark"], takes, mock: other, ...size } of sizes) {
  // What differs with the theme is colour, and that is the same in every size.
  const themes = all.filter((theme) => `${size.size}.${theme}`.includes(only));
  for (const [name, mock, path, act, hash] of themes.length > 0 ? stories : []) {
    if (!name.includes(filter) || !takes(name)) continue;
    jobs.push({ ...size, themes, name, mock: mock === "rich" ? (other ?? mock) : mock, path, act, hash });
  }
}

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe-core finds on the page now, a text for each kind. */
/** `colours`: whether they are ours. Where the system forces its own, axe-core mixes both and finds contrasts that nobody sees. */
async function findings(page, rules, colours = true) {
  const { violations } = await page.evaluate(
    ([rules, colours]) =>
      globalThis.axe.run(document, {
        runOnly: rules,
        resultTypes: ["violations"],
        rules: colours ? {} : { "color-contrast": { enabled: false } },
      }),
    [rules, colours],
  );
  return violations.map(
    (finding) =>
      `axe ${finding.id}: ${finding.help}: ${finding.nodes
        .slice(0, 3)
        .map((node) => `${node.target.join(" ")} ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""}`)
        .join(" | ")}`,
  );
}

/** What is tapped and smaller than a thumb needs: 44 px each way. A link in running text is as high as its line, a box or radio is tapped by its label, and a line of
 * code (data-dense) is pressed long, anywhere on it. */
async function smallTargets(page) {
  return page.evaluate(() => {
    const LEAST = 43.5; // half a pixel for the rounding of layout
    const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
    return [...top.querySelectorAll("button, a[href], select, summary, textarea, label:has(input), input:not(label input)")]
      .filter((one) => one.checkVisibility({ checkOpacity: true, visibilityProperty: true }) && getComputedStyle(one).display !== "inline")
      .filter((one) => !one.closest(".sr, .xterm, .cm-editor, [inert], [data-dense]"))
      .map((one) => ({ one, box: one.getBoundingClientRect() }))
      .filter(({ box }) => box.width > 2 && box.height > 2 && Math.min(box.width, box.height) < LEAST)
      .map(
        ({ one, box }) =>
          `small target ${Math.round(box.width)}×${Math.round(box.height)}: <${one.localName} class="${one.className}"> ${one.getAttribute("aria-label") ?? one.textContent.trim().slice(0, 40)}`,
      )
      .filter((line, at, all) => all.indexOf(line) === at)
      .slice(0, 8);
  });
}

const TOUCH = new Set(["phone", "typing", "landscape", "zh", "names", "large"]);

/** Pages that are free, by size: one is used again and again, because a new one costs as much as a story. What a story left in its storage is taken out. */
const free = new Map();

async function pageOf({ size, width, height, themes, like, init }) {
  const kept = free.get(size)?.pop();
  if (kept) return kept;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: themes[0],
    reducedMotion: "reduce",
    hasTouch: TOUCH.has(size),
    isMobile: TOUCH.has(size),
    ...like,
  });
  if (init) await context.addInitScript(init);
  const page = await context.newPage();
  const of = { page, problems: [], cdp: await context.newCDPSession(page) };
  page.on("console", (message) => {
    if (message.type() === "error") of.problems.push(message.text());
  });
  page.on("pageerror", (error) => of.problems.push(String(error)));
  page.on("dialog", (dialog) => dialog.accept().catch(() => undefined)); // "leave without saving?"
  await page.addInitScript(() => {
    globalThis.violations = [];
    document.addEventListener("securitypolicyviolation", (event) =>
      globalThis.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`),
    );
  });
  return of;
}

async function giveBack(size, of) {
  await of.page.goto("about:blank");
  await of.cdp.send("Storage.clearDataForOrigin", { origin: base, storageTypes: "all" });
  free.set(size, [...(free.get(size) ?? []), of]);
}

async function look({ name, mock, path, act, hash, ...how }) {
  const { size, themes } = how;
  const of = await pageOf(how);
  const { page } = of;
  await page.emulateMedia({ colorScheme: themes[0] });
  for (const theme of themes) {
    const first = theme === themes[0];
    try {
      if (first) {
        await page.goto(`${base}${path}?mock=${mock}${hash ?? ""}`);
        await page.locator("#app > *").first().waitFor();
        await settled(page);
        if (act) await act(page);
        await settled(page);
        await page.addScriptTag({ url: "/assets/axe.js" }); // by address: the browser keeps it compiled
      } else {
        await page.emulateMedia({ colorScheme: theme });
      }
      of.problems.push(...(await lasting(() => findings(page, first ? RULES : ["color-contrast"], size !== "forced"))));
      of.problems.push(...(await page.evaluate(() => globalThis.violations.splice(0))));
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      if (wide) of.problems.push("the page is wider than the screen");
      if (first && TOUCH.has(size)) of.problems.push(...(await lasting(() => smallTargets(page))));
    } catch (error) {
      of.problems.push(String(error));
    }
    const problems = of.problems.splice(0);
    if (out) await page.screenshot({ path: `${out}/${name}.${size}.${theme}.png` });
    shots++;
    if (problems.length > 0) {
      bad++;
      console.log(`${name} ${size} ${theme}`);
      for (const problem of problems) console.log(`  ${problem.slice(0, 600)}`);
    }
  }
  await giveBack(size, of);
}

// Most of a story's time is waiting, so a few are looked at together.
await inTurns(4, jobs, look);
await closed(browser);
server.close();
app.remove();
console.log(`${shots - bad} passed, ${bad} failed`);
process.exit(bad === 0 ? 0 : 1);
