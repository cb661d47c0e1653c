// Walks on two machines at one address. Both say the same ids, so that whatever goes by an id alone goes wrong here.
import { stored } from "../pages.mjs";

const ATLAS = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
const BOREALIS = "b2d07e66c41f4e7f90c3aa5518e6f70d";

/** @param {{ walk: Function, must: Function, S: (n: number) => string, base: string }} tools */
export function machines({ walk, must, S, base }) {
  const row = (page, machine, id) => page.locator(`[data-testid="inbox-item"][data-machine="${machine}"][data-swipe="${id}"]`);
  const decided = (page) =>
    page.evaluate(() => [globalThis.mock, globalThis.mockSecond].map((one) => one.decided().map((d) => d.approvalId)));
  const shown = async (page) => (await page.getByTestId("machines-open").innerText()).split("\n").join(" ");
  const switchTo = async (page, machine) => {
    await page.getByTestId("machines-open").click();
    await page.locator(`[data-testid="machine-row"][data-machine="${machine}"]`).click();
    await page.getByTestId("machines").waitFor({ state: "detached" });
  };

  walk("two machines: one inbox, and a decision goes to the machine that asked", "/", "rich&second=rich", async (page) => {
    await row(page, BOREALIS, S(201)).waitFor();
    await row(page, ATLAS, S(201)).waitFor();
    must((await page.getByTestId("inbox-count").innerText()).startsWith("26"), "does not count both");
    must((await page.title()).startsWith("(26)"), `the title says ${await page.title()}`);
    await row(page, BOREALIS, S(201)).click();
    await page.waitForFunction((path) => location.pathname === path, `/m/${BOREALIS}/approvals/${S(201)}`);
    must((await shown(page)).includes("borealis"), "does not say which machine it is");
    await page.getByTestId("allow-once").click();
    await page.locator('[data-testid="approval-card"][data-state="finished"]').waitFor();
    must(JSON.stringify(await decided(page)) === JSON.stringify([[], [S(201)]]), `decided ${JSON.stringify(await decided(page))}`);
    await page.goBack();
    await row(page, ATLAS, S(201)).waitFor();
    must((await row(page, BOREALIS, S(201)).count()) === 0, "still waits there");
    must((await shown(page)).includes("atlas"), "the way back leads to another machine");
  });

  walk("two machines: reads of both are allowed together, each on its own", "/", "rich&second=rich", async (page) => {
    await row(page, BOREALIS, S(201)).waitFor();
    const [first, second] = await page.evaluate(() =>
      [globalThis.mock, globalThis.mockSecond].map((one) => one.askReads("git status --short", "git log -1")),
    );
    const reads = page.getByTestId("reads");
    for (const [machine, ids] of [
      [ATLAS, first],
      [BOREALIS, second],
    ])
      for (const id of ids) await reads.locator(`[data-machine="${machine}"][data-swipe="${id}"]`).waitFor();
    await page.getByTestId("allow-reads").click();
    await page.waitForFunction(() => globalThis.mock.decided().length === 2 && globalThis.mockSecond.decided().length === 2);
    const [a, b] = await decided(page);
    must(a.sort().join() === first.sort().join() && b.sort().join() === second.sort().join(), "decided on the other machine");
  });

  walk(
    "two machines: a row is swiped on the machine that it is of",
    "/",
    "rich&second=rich",
    async (page) => {
      await page.getByTestId("swipe-hint").waitFor({ state: "attached" });
      const one = row(page, BOREALIS, S(202));
      await one.scrollIntoViewIfNeeded();
      const box = await one.boundingBox();
      const client = await page.context().newCDPSession(page);
      const y = box.y + box.height / 2;
      const touch = (type, x) => client.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
      await touch("touchStart", 320);
      for (const x of [300, 250, 200, 150, 100]) await touch("touchMove", x);
      await touch("touchEnd", 100);
      await page.waitForFunction(() => globalThis.mockSecond.decided().length === 1);
      must(JSON.stringify(await decided(page)) === JSON.stringify([[], [S(202)]]), "denied elsewhere");
    },
    { width: 390, height: 844 },
    { hasTouch: true },
  );

  walk(
    "two machines: review goes over both by keyboard, past the one that is away and back to it",
    "/",
    "rich&second=rich",
    async (page) => {
      const at = (text) => page.getByTestId("review-position").filter({ hasText: text }).waitFor();
      const ready = () => page.locator('[data-testid="review-view"][data-ready="true"]').waitFor();
      const subject = (machine, id) =>
        page.locator(`[data-testid="review-card"][data-machine="${machine}"] [data-testid="approval-card"][data-approval="${id}"]`);
      await page.getByTestId("review").filter({ hasText: "Review 22" }).waitFor();
      await page.keyboard.press("r");
      await at("1 of 22");
      // Both have each request: one after the other in the order of the inbox, each with its machine.
      const [own] = await page.evaluate(() => globalThis.mock.askReads("git status --short"));
      const [other] = await page.evaluate(() => globalThis.mockSecond.askReads("git status --short"));
      await at("1 of 24");
      for (let skip = 0; skip < 23; skip++) await page.keyboard.press("j");
      await at("24 of 24");
      await subject(BOREALIS, other).waitFor();
      await page.getByTestId("review-card").getByTestId("review-machine").filter({ hasText: "borealis" }).waitFor();
      await page.waitForFunction((path) => location.pathname === path, `/m/${ATLAS}/review/${other}/${BOREALIS}`);
      must(
        (await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "")).startsWith("24 of 24 on borealis. "),
        "a screen reader is not told which one and of which machine",
      );

      // It goes away under the eyes: nothing can be decided, by no key.
      await page.evaluate(() => globalThis.mockSecond.offline());
      await page.getByTestId("card-barred").filter({ hasText: "borealis is not connected" }).waitFor();
      await page.getByTestId("review-message").filter({ hasText: "borealis is not connected" }).waitFor();
      await ready();
      await page.keyboard.press("a");
      await page.keyboard.press("d");
      must((await page.getByRole("dialog").count()) === 0, "asks why it is denied");
      await page.keyboard.press("k");
      await at("23 of 24");
      await subject(ATLAS, own).waitFor();
      await ready();
      await page.keyboard.press("a");
      // What is after it is away: the end, which says what waits where.
      await page.getByTestId("review-end").filter({ hasText: "12 on borealis, which is not connected." }).waitFor();
      await page.waitForFunction(() => globalThis.mock.decided().length === 1);
      must(JSON.stringify(await decided(page)) === JSON.stringify([[own], []]), `decided ${JSON.stringify(await decided(page))}`);

      await page.evaluate(() => globalThis.mockSecond.online());
      await page.getByTestId("review-again").filter({ hasText: "Review 23" }).waitFor();
      await page.keyboard.press("k");
      await at("24 of 24");
      await page.getByTestId("review-card").getByTestId("allow-once").waitFor();
      await ready();
      await page.keyboard.press("a");
      await page.getByTestId("review-message").filter({ hasText: "Allowed on borealis" }).waitFor();
      await page.waitForFunction(() => globalThis.mockSecond.decided().length === 1);
      must(JSON.stringify(await decided(page)) === JSON.stringify([[own], [other]]), `decided ${JSON.stringify(await decided(page))}`);
      await page.reload();
      await page.getByTestId("review-position").filter({ hasText: "of 2" }).waitFor();
      await page.keyboard.press("Escape");
      await page.getByTestId("review").filter({ hasText: "Review 22" }).waitFor();
    },
    { width: 1280, height: 800 },
  );

  walk("switch machines by keyboard, and see how each one is", "/sessions", "rich&second=rich", async (page) => {
    await page.getByTestId("session-item").first().waitFor();
    await page.evaluate(() => globalThis.mockSecond.offline());
    await page.getByTestId("machines-open").focus();
    await page.keyboard.press("Enter");
    const rows = page.getByTestId("machine-row");
    await rows.filter({ hasText: /borealis\s+Offline since/ }).waitFor();
    await rows.filter({ hasText: /atlas\s+Connected/ }).waitFor();
    must((await rows.nth(0).innerText()).includes("1 session working"), "does not say what works");
    must((await rows.nth(0).innerText()).includes("11 waiting"), "does not say what waits");
    must((await rows.nth(0).getAttribute("aria-current")) === "true", "does not say which is shown");
    for (let tries = 0; tries < 5 && !(await rows.nth(1).evaluate((one) => one === document.activeElement)); tries++)
      await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await page.waitForFunction((path) => location.pathname === path, `/m/${BOREALIS}/`);
    must((await shown(page)).includes("borealis"), "not switched");
    await page.locator('[data-testid="connection-state"][data-state="offline"]').waitFor({ state: "attached" });
  });

  walk("an address of a machine leads there, of a machine unknown here to words", "/", "rich&second=rich", async (page) => {
    await page.goto(`${base}/m/${BOREALIS}/sessions/${S(101)}?mock=rich&second=rich`);
    await page.getByTestId("prompt-input").waitFor();
    must((await shown(page)).includes("borealis"), "another machine");
    for (const path of [`/m/${"f".repeat(32)}/sessions/${S(101)}`, "/m/a%20b/approvals/x", "/m/"]) {
      await page.goto(`${base}${path}?mock=rich&second=rich`);
      await page.getByTestId("unknown-machine").waitFor();
      must((await page.getByTestId("prompt-input").count()) === 0, `${path} shows a session`);
    }
    await page.getByRole("button", { name: "Go to atlas" }).click();
    await row(page, ATLAS, S(201)).waitFor();
    must((await shown(page)).includes("atlas"), "not there");
  });

  walk("an alarm of a machine stays in view on another one", "/sessions", "rich&second=badhead", async (page) => {
    const alarm = page.getByTestId("other-alarm");
    await alarm.filter({ hasText: "borealis" }).waitFor();
    must((await page.getByTestId("ledger-alarm").count()) === 0, "the alarm is told of the machine that has none");
    await page.getByRole("link", { name: "You", exact: true }).click();
    await alarm.waitFor();
    await alarm.getByRole("button").click();
    await page.getByTestId("ledger-alarm").waitFor();
    must((await alarm.count()) === 0, "told twice");
    await switchTo(page, ATLAS);
    await alarm.waitFor();
    must((await page.getByTestId("ledger-alarm").count()) === 0, "it went with the person");
  });

  walk(
    "a key that was changed on a machine stays in view on another one until it was seen",
    "/sessions",
    "rich&second=rich",
    async (page) => {
      await stored(page, "values", [BOREALIS, "anthropic"]);
      must((await page.getByTestId("other-keys").count()) === 0, "how things are found is told as news");
      await page.evaluate(() => globalThis.mockSecond.setKey("google", "Old phone"));
      const notice = page.getByTestId("other-keys");
      await notice.filter({ hasText: "borealis" }).waitFor();
      must((await page.getByTestId("key-notice").count()) === 0, "told of the machine whose keys are as they were");
      await notice.getByRole("button").click();
      await page.getByTestId("key-notice").filter({ hasText: "Old phone" }).waitFor();
      must((await notice.count()) === 0, "told twice");
      await page.getByTestId("key-notice-seen").click();
      await page.getByTestId("key-notice").waitFor({ state: "detached" });
      await switchTo(page, ATLAS);
      must((await notice.count()) === 0, "told again");
    },
  );

  walk("pair another machine, keep what belongs to each, and forget one", "/new", "rich&second=rich&join", async (page) => {
    const field = page.getByTestId("prompt-input");
    await field.fill("words for atlas");
    await stored(page, "values", ["words for atlas"]);
    must((await page.getByTestId("machines-open").count()) === 0, "one machine, and a choice of machines");
    await page.goto(`${base}/you?mock=rich&second=rich&join`);
    await page.getByTestId("pair-more").click();
    await page.getByTestId("pair-link").fill(`https://x.example/#pair=${BOREALIS}`);
    await page.getByTestId("pair-read").click();
    await page.getByTestId("pair-joins").waitFor();
    await page.getByTestId("pair-confirm").click();
    await row(page, ATLAS, S(201)).waitFor();
    await row(page, BOREALIS, S(201)).waitFor();
    must((await shown(page)).includes("borealis"), "the new one is not shown");
    await page.keyboard.press("n");
    await field.waitFor();
    must((await field.inputValue()) === "", "words for another machine");
    await field.fill("words for borealis");
    await switchTo(page, ATLAS);
    await page.keyboard.press("n");
    await page.waitForFunction(() => document.querySelector('[data-testid="prompt-input"]')?.value === "words for atlas");
    await switchTo(page, BOREALIS);
    await page.keyboard.press("g");
    await page.keyboard.press("y");
    await page.getByTestId("forget").click();
    await page.getByRole("button", { name: "Forget borealis" }).click();
    await row(page, ATLAS, S(201)).waitFor();
    must((await row(page, BOREALIS, S(201)).count()) === 0, "still asks");
    must((await page.getByTestId("machines-open").count()) === 0, "one machine, and a choice of machines");
    const keys = await page.evaluate(
      () =>
        new Promise((resolve) => {
          const request = indexedDB.open("pocketcoder-app");
          request.onsuccess = () => {
            const stores = ["values", "outbox", "files", "copy"];
            const transaction = request.result.transaction(stores);
            const all = stores.map((store) => transaction.objectStore(store).getAllKeys());
            transaction.oncomplete = () => resolve(all.flatMap((one) => one.result.map((key) => key.join(" "))));
          };
        }),
    );
    must(!keys.some((key) => key.startsWith(BOREALIS)), `left: ${keys.join(", ")}`);
    must(keys.includes(`${ATLAS} draft/new`), `the other one's went too: ${keys.join(", ")}`);
  });
}
