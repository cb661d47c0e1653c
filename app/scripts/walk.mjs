// What a person does, in Chromium, on the mock machine, under the gateway's policy: decide, deny with a reason, answer, accept a plan, start a session, queue,
// stop, go offline and back, all by keyboard, ten thousand events, a file from finding it to pushing it. Prints one line a check; fails when one fails.
// Usage: node scripts/walk.mjs [part of a name]
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { mockApp } from "./mock-app.mjs";
import { readBefore, stored } from "./pages.mjs";
import { BROWSER, closed, ENGINE, inTurns, serve } from "./serving.mjs";
import { approvals } from "./walks/approvals.mjs";
import { diffs } from "./walks/diffs.mjs";
import { list } from "./walks/list.mjs";
import { machines } from "./walks/machines.mjs";
import { network } from "./walks/network.mjs";
import { notifications } from "./walks/notifications.mjs";
import { review } from "./walks/review.mjs";
import { session } from "./walks/session.mjs";
import { setup } from "./walks/setup.mjs";
import { usage } from "./walks/usage.mjs";

const S = (n) => `0198c1d0-0000-7000-8000-${n.toString(16).padStart(12, "0")}`;
const app = await mockApp();
const { server, base } = await serve(app.folder);
const browser = await chromium.launch(ENGINE);
const whole = await chromium.launch(BROWSER);
let passed = 0;
let failed = 0;

const PHONE = { width: 390, height: 844 };
const NOTIFIED = { permissions: ["notifications"] };
const only = process.argv[2] ?? ""; // part of a name
const walks = [];
/** `like`: more of the browser's context, such as a finger. What needs a permission needs a whole browser. */
function walk(what, path, mock, steps, size = PHONE, like = {}) {
  if (what.includes(only)) walks.push({ what, path, mock, steps, size, like });
}

async function go({ what, path, mock, steps, size, like }) {
  const context = await (like.permissions ? whole : browser).newContext({ viewport: size, reducedMotion: "reduce", ...like });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.setDefaultTimeout(30_000); // tells what hangs from what is slow on a busy machine
  try {
    await page.goto(`${base}${path}?mock=${mock}`);
    await steps(page);
    if (errors.length > 0) throw new Error(errors.join("; "));
    passed++;
    console.log(`ok     ${what}`);
  } catch (error) {
    failed++;
    console.log(`FAILED ${what}: ${String(error).slice(0, 500)}`);
    // What a reader of the log needs: nobody has the picture of another machine.
    console.log(
      await page.evaluate(() => `${location.pathname}${location.search}\n${document.body.innerText.slice(0, 2000)}`).catch(String),
    );
    await page.screenshot({ path: join(tmpdir(), `walk-${failed}.png`) }).catch(() => undefined);
  }
  await closed(context);
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
await walk("what destroys is held, once and for longer, by finger and by keyboard", `/approvals/${S(213)}`, "rich", async (page) => {
  const card = page.getByTestId("approval-card");
  const waits = async (how) => {
    await page.waitForTimeout(150);
    must((await card.getAttribute("data-state")) === "pending", `allowed by ${how}`);
    must((await page.getByTestId("decision-steps").count()) === 0, `decided by ${how}`);
  };
  await page.getByTestId("allow-once").click();
  await page.getByTestId("allow-once").dblclick();
  await waits("a tap");
  await page.getByTestId("allow-more").click();
  const dialog = page.getByRole("dialog");
  const wider = dialog.getByTestId(/^allow-/);
  must((await wider.count()) === 2, "not all that is offered");
  for (let at = 0; at < 2; at++) {
    await wider.nth(at).click();
    await wider.nth(at).dblclick();
    await wider.nth(at).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter"); // a double press is none
    await waits(`More, button ${at + 1}`);
  }
  await page.keyboard.press("Escape");
  await page.getByTestId("allow-more").click();
  await dialog.getByTestId("allow-turn").click({ delay: 1500 });
  await page.getByText(/Allowed\s+for this turn/i).waitFor();
});
await walk("what destroys, allowed by keyboard: pressed, and pressed again later", `/approvals/${S(213)}`, "rich", async (page) => {
  await page.getByTestId("allow-more").click();
  await page.getByTestId("allow-session").focus();
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Press again to allow" }).waitFor();
  await page.waitForTimeout(1000);
  await page.keyboard.press("Enter");
  await page.getByText(/Allowed\s+for this session/i).waitFor();
});
const DEEP = [
  ["a session", `/sessions/${S(105)}`],
  ["its terminal", `/sessions/${S(105)}/terminal`],
  ["a new session", "/new"],
  ["a project", `/projects/${S(1)}/git`],
  ["a decision", `/approvals/${S(205)}`],
];
for (const [place, path] of DEEP) {
  await walk(`see in ${place} how many others wait, and go to the next with one tap`, path, "rich", async (page) => {
    const count = Number(await page.getByTestId("waiting-count").innerText());
    must(count > 5 && count < 12, `counts ${count}`);
    const box = await page.getByTestId("waiting-next").boundingBox();
    must(box !== null && box.height >= 44 && box.y + box.height <= 844, "not in view, or too small for a thumb");
    await page.getByTestId("waiting-next").click();
    await page.locator('[data-testid="approval-card"][data-state="pending"]').waitFor();
    must(/\/approvals\//.test(page.url()) && !page.url().includes(S(205)), "not at another decision");
    await page.getByTestId("announcement").filter({ hasText: /./ }).waitFor({ state: "attached" });
    must(
      await page
        .getByTestId("announcement")
        .evaluate((line) => line.checkVisibility({ checkOpacity: false, contentVisibilityAuto: false })),
      "a screen reader is told nothing here",
    );
  });
}
await walk("decide one after the other without going back", `/approvals/${S(205)}`, "rich", async (page) => {
  const first = Number(await page.getByTestId("waiting-count").innerText());
  await page.getByTestId("allow-once").click();
  await page.locator('[data-testid="approval-card"][data-state="finished"]').waitFor();
  must(Number(await page.getByTestId("waiting-count").innerText()) === first, "counts the one that is decided");
  await page.getByTestId("waiting-next").click();
  await page.locator('[data-testid="approval-card"][data-state="pending"]').waitFor();
  must(Number(await page.getByTestId("waiting-count").innerText()) === first - 1, "counts the open one");
});
await walk(
  "a tap on a notification opens its decision",
  "/sessions",
  "rich",
  async (page) => {
    // The page learns of it a moment later.
    await page.waitForFunction(() => Notification.permission === "granted");
    await page.evaluate(() =>
      navigator.serviceWorker
        .register("/sw.js")
        .then(() => navigator.serviceWorker.ready)
        .then(() => undefined),
    );
    const worker = page.context().serviceWorkers()[0] ?? (await page.context().waitForEvent("serviceworker"));
    // As a locked phone has it: the page is there and not seen, and two things are asked.
    await page.evaluate(() => Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" }));
    // The worker is asked for them only when both are shown: Chromium forgets one that it is asked for while it is being shown.
    await page.evaluate(() => {
      const show = ServiceWorkerRegistration.prototype.showNotification;
      globalThis.notified = 0;
      ServiceWorkerRegistration.prototype.showNotification = async function (...like) {
        await show.apply(this, like);
        globalThis.notified++;
      };
    });
    await page.evaluate(() => globalThis.mock.askTwice());
    await page.waitForFunction(() => globalThis.notified === 2);
    const shown = () =>
      worker.evaluate(async () =>
        (await self.registration.getNotifications()).map(({ title, body, tag, renotify, data }) => ({
          title,
          body,
          tag,
          renotify,
          path: data?.path,
        })),
      );
    for (let tries = 0; tries < 300 && (await shown()).length < 2; tries++) await page.waitForTimeout(100);
    const notices = await shown();
    must(notices.length === 2 && new Set(notices.map((one) => one.tag)).size === 2, `not one each: ${JSON.stringify(notices)}`);
    must(
      notices.every((one) => one.renotify && one.body.includes("infra") && one.body.includes("Upgrade the build image")),
      `does not say where: ${JSON.stringify(notices)}`,
    );
    must(!JSON.stringify(notices).includes("make release"), "says what is asked");
    await page.evaluate(() => {
      delete document.visibilityState;
    });
    const tap = (path) =>
      worker.evaluate(async (path) => {
        const [notification] = (await self.registration.getNotifications()).filter((one) => one.data.path === path);
        self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
      }, path);
    await tap(notices[1].path);
    await page.waitForFunction((path) => location.pathname === path, notices[1].path);
    await page.locator(`[data-testid="approval-card"][data-approval="${notices[1].path.split("/").at(-1)}"]`).waitFor();
    for (let tries = 0; tries < 300 && (await shown()).length > 1; tries++) await page.waitForTimeout(100);
    must((await shown()).length === 1, "the tapped one stays");

    // Decided here or elsewhere: its notification goes.
    await page.evaluate((path) => globalThis.mock.denyElsewhere(path.split("/").at(-1)), notices[0].path);
    for (let tries = 0; tries < 300 && (await shown()).length > 0; tries++) await page.waitForTimeout(100);
    must((await shown()).length === 0, "one stays that leads to what is over");
  },
  PHONE,
  NOTIFIED,
);
await walk(
  "a tap on a notification opens the app when it is closed",
  "/sessions",
  "rich",
  async (page) => {
    await page.waitForFunction(() => Notification.permission === "granted");
    await page.evaluate(() =>
      navigator.serviceWorker
        .register("/sw.js")
        .then(() => navigator.serviceWorker.ready)
        .then(() => undefined),
    );
    const worker = page.context().serviceWorkers()[0] ?? (await page.context().waitForEvent("serviceworker"));
    const opened = await worker.evaluate(async () => {
      const opened = [];
      self.clients.openWindow = async (path) => {
        opened.push(path);
        return null;
      };
      self.clients.matchAll = async () => [];
      const machine = "b2d07e66c41f4e7f90c3aa5518e6f70d";
      for (const [at, data] of [
        { path: "/approvals/0198c1d0-0000-7000-8000-0000000000c9" },
        { path: "/approvals/0198c1d0-0000-7000-8000-0000000000c9", machine },
        { path: "https://elsewhere.example/approvals/x", machine },
        { path: "/approvals/x", machine: "../elsewhere" },
        { path: "//elsewhere.example" },
        {},
      ].entries()) {
        await self.registration.showNotification("x", { tag: `t${at}`, data });
        const [notification] = await self.registration.getNotifications({ tag: `t${at}` });
        self.dispatchEvent(new NotificationEvent("notificationclick", { notification }));
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      return opened;
    });
    must(
      JSON.stringify(opened) ===
        JSON.stringify([
          "/approvals/0198c1d0-0000-7000-8000-0000000000c9",
          "/m/b2d07e66c41f4e7f90c3aa5518e6f70d/approvals/0198c1d0-0000-7000-8000-0000000000c9",
          "/m/b2d07e66c41f4e7f90c3aa5518e6f70d/",
          "/approvals/x",
          "/",
          "/",
        ]),
      `opened ${JSON.stringify(opened)}`,
    );
  },
  PHONE,
  NOTIFIED,
);
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
  await stored(page, "values", ["half a thought"]);
  await page.reload();
  await page.waitForFunction(() => document.querySelector('[data-testid="prompt-input"]')?.value === "half a thought");
});
await walk("keep a prompt that can't be sent, and say so", "/new", "offline", async (page) => {
  await page.locator('[data-testid="connection-state"][data-state="offline"]').waitFor({ state: "attached" });
  must(
    !(await page.getByTestId("prompt-input").isVisible()) || (await page.getByTestId("send").isDisabled()),
    "offers to start without a known project",
  );
});
await walk("open the app cold and offline: lists, titles, a transcript, a new session", `/sessions/${S(101)}`, "rich", async (page) => {
  await readBefore(page);
  await page.goto(`${base}/sessions?mock=offline`);
  await page.locator('[data-testid="connection-state"][data-state="offline"]').waitFor({ state: "attached" });
  must(/As of \d/.test(await page.getByTestId("as-of").innerText()), "does not say of when it is");
  must((await page.getByTestId("session-item").count()) >= 6, "no list");
  await page.getByTestId("session-item").filter({ hasText: "Fix the login" }).click();
  await page.getByTestId("session-as-of").waitFor();
  must((await page.getByRole("heading", { level: 1 }).allInnerTexts()).join().includes("Fix the login"), "no title");
  must((await page.getByTestId("transcript").locator(".item").count()) > 3, "no transcript");
  must((await page.getByTestId("allow-once").count()) === 0, "offers to decide on what may be over");
  await page.goto(`${base}/sessions/${S(102)}?mock=offline`);
  await page.getByText("is not stored on this device").waitFor();
  await page.goto(`${base}/machine?mock=offline`);
  await page.getByTestId("project-row").first().waitFor();
  await page.goto(`${base}/?mock=offline`);
  await page.getByTestId("inbox-offline").waitFor();
  await page.goto(`${base}/new?mock=offline`);
  await page.getByTestId("project-select").getByText("web", { exact: true }).click();
  must(!(await page.locator("main").innerText()).includes("runs its own commands"), "warns about an agent that it does not know");
  await page.getByTestId("prompt-input").fill("When you are back, write a haiku");
  await page.getByTestId("send").click();
  await page.getByTestId("outbox-item").waitFor();
  must((await page.getByTestId("outbox-item").innerText()).includes("write a haiku"), "not kept");

  // Back: it goes out, and the machine's word stands where the copy was.
  await page.goto(`${base}/sessions?mock=rich`);
  await page.getByTestId("session-item").filter({ hasText: "write a haiku" }).waitFor();
  must((await page.getByTestId("as-of").count()) === 0, "still says that it is a copy");

  await page.goto(`${base}/you?mock=rich`);
  await page.getByRole("button", { name: "Forget this machine" }).click();
  await page.getByRole("button", { name: "Forget this machine" }).last().click();
  await page.getByTestId("pair-link").waitFor();
  const left = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const request = indexedDB.open("pocketcoder-app");
        request.onsuccess = () => {
          const all = request.result.transaction("copy").objectStore("copy").getAllKeys();
          all.onsuccess = () => resolve(all.result.length);
        };
      }),
  );
  must(left === 0, `${left} entries are left after forgetting`);
});
await walk("keep nothing on the device when that is switched off", `/sessions/${S(101)}`, "rich", async (page) => {
  await readBefore(page);
  await page.goto(`${base}/you?mock=rich`);
  await page.getByTestId("offline-keep").uncheck();
  await page.getByText("Nothing is kept on this device").waitFor();
  await page.goto(`${base}/sessions?mock=offline`);
  await page.getByText("Not loaded yet.").waitFor();
});
await walk("show a full queue's refusal with a way on", `/sessions/${S(103)}`, "busy", async (page) => {
  await page.getByTestId("prompt-input").fill("too much");
  await page.getByTestId("send").click();
  await page.locator('[data-testid="outbox-item"][data-state="refused"]').waitFor();
  must((await page.getByTestId("outbox-item").innerText()).includes("50 prompts"), "no reason");
});
await walk("make one prompt of those that wait", `/sessions/${S(101)}`, "rich", async (page) => {
  const items = page.getByTestId("queue-item");
  await page.getByTestId("queue-merge").waitFor();
  const before = await items.count();
  await page.getByTestId("queue-merge").click();
  await page.getByTestId("queue-merge").waitFor({ state: "detached" });
  must(before > 1 && (await items.count()) === 1, `${before} prompts became ${await items.count()}`);
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
  await page
    .getByRole("dialog")
    .getByTestId("attach-input")
    .setInputFiles({ name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("a note") });
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
  await page.getByText("Apply the new network.").nth(1).waitFor(); // the prompt was sent again
});
await walk(
  "find one's way and decide by keyboard alone",
  "/",
  "rich",
  async (page) => {
    await page.getByTestId("inbox-item").first().waitFor();
    // To the one that runs a command, wherever it stands.
    const there = () => page.evaluate((id) => document.activeElement?.getAttribute("href")?.endsWith(id) ?? false, S(201));
    for (let down = 0; down < 12 && !(await there()); down++) await page.keyboard.press("j");
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
  },
  { width: 1280, height: 800 },
);
await walk("see that a looking-only device can't decide", `/approvals/${S(201)}`, "viewer", async (page) => {
  await page.getByText("can view but not approve").waitFor();
  must((await page.getByTestId("allow-once").count()) === 0, "offers to allow");
});
await walk("verify the ledger", "/you/ledger", "rich", async (page) => {
  await page.getByTestId("ledger-verify").click();
  await page.getByText(/^Intact: \d+ rows/).waitFor();
  await page.getByText("this device recomputed their hash chain").waitFor();
  const decided = page.getByTestId("ledger-row").filter({ hasText: "Denied" });
  must((await decided.innerText()).includes("rm -rf ./build"), "the decision does not say what");
  must(
    (await page.getByTestId("ledger-row").filter({ hasText: "exit code 1" }).innerText()).includes("npm test -- --coverage"),
    "the end does not say what",
  );
  must(
    !/[a-z]_[a-z]/.test(
      await page
        .getByTestId("ledger-row")
        .locator(".kind")
        .allInnerTexts()
        .then((all) => all.join(" ")),
    ),
    "a wire name",
  );
});
await walk("be asked before a link opens", `/sessions/${S(101)}`, "rich", async (page) => {
  await page.getByTestId("transcript").evaluate((view) => {
    view.scrollTop = 200;
  });
  await page.getByRole("link", { name: "OWASP notes" }).click();
  await page.getByRole("dialog").getByText("cheatsheetseries.owasp.org", { exact: true }).waitFor();
});
await walk("see ten thousand events from the bottom, and go up and back", `/sessions/${S(107)}`, "big", async (page) => {
  const view = page.getByTestId("transcript");
  await view.waitFor();
  await page.waitForFunction(() => {
    const list = document.querySelector('[data-testid="transcript"]');
    return list && list.scrollHeight > 100_000 && list.scrollHeight - list.scrollTop - list.clientHeight < 50;
  });
  must((await view.locator(".item").count()) < 120, "draws too many rows");
  await view.evaluate((list) => {
    list.scrollTop -= 3000;
  });
  await page.getByRole("button", { name: "Jump to latest" }).click();
  await page.waitForFunction(() => {
    const list = document.querySelector('[data-testid="transcript"]');
    return list && list.scrollHeight - list.scrollTop - list.clientHeight < 50;
  });
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
await walk(
  "read a secret after allowing it, delete a file and bring it back, keep an edit over a reload",
  `/projects/${S(1)}/files/file/~denv`,
  "rich",
  async (page) => {
    await page.getByTestId("consent").getByTestId("allow-once").click();
    await page.locator('[data-testid="file"][data-state="text"]').waitFor();
    must((await page.getByTestId("consent").count()) === 0, "the sheet stayed");
    await page.goto(`${base}/projects/${S(1)}/files/file/package~djson?mock=rich`);
    await page.locator(".cm-content").click();
    await page.keyboard.type("{}");
    await page.getByTestId("save").waitFor();
    await stored(page, "values", ["draft/", "{}"]);
    await page.reload();
    await page.getByTestId("save").waitFor();
    must((await page.locator(".cm-content").innerText()).includes("{}"), "the draft is lost");
    await page.getByTestId("file-menu").click();
    await page.getByTestId("delete").click();
    await page.getByTestId("folder").waitFor();
    await page.getByTestId("trash").click();
    await page.getByTestId("restore").first().click();
    await page.getByText("The trash is empty.").waitFor();
  },
);
await walk(
  "turn comments on a change into a prompt",
  `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`,
  "rich",
  async (page) => {
    await page.getByTestId("comment-line").nth(4).click();
    await page.getByTestId("comment-text").fill("Say why.");
    await page.getByTestId("comment-add").click();
    await page.getByTestId("comments-send").click();
    await page.getByTestId("comments-session").first().click();
    await page.getByText("Please work through these comments").first().waitFor();
  },
);

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
  await page.getByTestId("palette-query").fill("machine log");
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
await walk(
  "who wrote a line, from the file and from its change, and two branches compared",
  `/projects/${S(1)}/files/file/src%2Fauth%2Flogin~dts`,
  "rich",
  async (page) => {
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
  },
);
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
for (const [reducedMotion, turns] of [
  ["reduce", 0],
  ["no-preference", 1],
])
  walk(
    `who is signed out is told once, not again at each try (motion: ${reducedMotion})`,
    "/",
    "signedout&accounts=out",
    async (page) => {
      const trouble = page.getByTestId("account-trouble");
      await trouble.waitFor();
      await trouble.evaluate((bar) => {
        const state = document.querySelector('[data-testid="connection-state"]');
        globalThis.states = [];
        globalThis.turns = [];
        new MutationObserver(() => {
          globalThis.states.push(state.dataset.state);
          if (state.dataset.state === "connecting") globalThis.turns.push(bar.firstElementChild.getAnimations().length);
        }).observe(state, { attributes: true });
        bar.dataset.first = "true";
        dispatchEvent(new StorageEvent("storage")); // somebody signed in or out in another tab: it asks again
      });
      await page.waitForFunction(() => globalThis.states.includes("connecting") && globalThis.states.at(-1) === "refused");
      must((await trouble.getAttribute("data-first")) === "true", "it was taken down and put up again");
      const seen = await page.evaluate(() => globalThis.turns);
      must(
        seen.every((n) => n === turns),
        `its sign has ${seen} animations while it asks, not ${turns}`,
      );
      const still = await trouble.evaluate((bar) => bar.firstElementChild.getAnimations().length);
      must(still === 0, "its sign turns though nobody asks");
    },
    PHONE,
    { reducedMotion },
  );

const tools = { walk, must, S, base };
approvals(tools);
diffs(tools);
list(tools);
machines(tools);
network(tools);
notifications(tools);
review(tools);
session(tools);
setup(tools);
usage(tools);

// Each in a context of its own; two at a time, because most of a walk is waiting.
await inTurns(2, walks, go);
await closed(browser, whole);
server.close();
app.remove();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
