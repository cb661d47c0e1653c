// Walks through all that waits, one card at a time.

/** @param {{ walk: Function, must: Function, S: (n: number) => string }} tools */
export function review({ walk, must, S }) {
  const card = (page) => page.getByTestId("review-card").getByTestId("approval-card");
  const ready = (page) => page.locator('[data-testid="review-view"][data-ready="true"]').waitFor();
  const at = (page, text) => page.getByTestId("review-position").filter({ hasText: text }).waitFor();
  const decided = (page) => page.evaluate(() => globalThis.mock.decided());
  /** All that was decided, once there are so many: a card goes when it is decided, and the machine hears of it a moment later. */
  const sent = async (page, count) => {
    await page.waitForFunction((least) => globalThis.mock.decided().length >= least, count);
    return decided(page);
  };
  const subject = (page) => card(page).getAttribute("data-approval");
  const DESK = { width: 1280, height: 800 };

  walk("review all that waits: skip, decide, be overtaken, see more arrive, and come back", "/", "rich", async (page) => {
    await page.getByTestId("review").filter({ hasText: "Review 11" }).waitFor();
    const list = page.locator(".list-pane .scroll");
    await list.evaluate((view) => {
      view.scrollTop = 180;
    });
    const place = await list.evaluate((view) => view.scrollTop);
    must(place > 100, `nothing to scroll: ${place}`);
    await page.getByTestId("review").click();
    await at(page, "1 of 11");
    const first = await subject(page);
    must((await page.getByTestId("review-upcoming").getByTestId("approval-card").count()) === 1, "the next one is not there yet");
    const actions = await card(page).getByTestId("deny").boundingBox();
    must(actions !== null && actions.y > 600 && actions.y + actions.height < 844, `the actions are not at the bottom: ${actions?.y}`);

    await page.getByTestId("review-next").click();
    await at(page, "2 of 11");
    for (let skip = 0; skip < 5; skip++) await page.getByTestId("review-next").click();
    await at(page, "7 of 11");
    await ready(page);
    const allowed = await subject(page);
    await card(page).getByTestId("allow-once").click();
    await at(page, "8 of 11");
    await page.getByTestId("review-message").filter({ hasText: "Allowed: WebFetch" }).waitFor();
    must((await sent(page, 1)).map((one) => one.approvalId).join() === allowed, "not what was in view");

    // Another device is faster, on this one and on one that comes later; two more arrive.
    const here = await subject(page);
    await page.evaluate((id) => globalThis.mock.denyElsewhere(id), here);
    await at(page, "8 of 10");
    await page.getByTestId("review-message").filter({ hasText: "1 approval was decided elsewhere" }).waitFor();
    must((await subject(page)) !== here, "still shows it");
    await page.evaluate(() => globalThis.mock.askTwice());
    await at(page, "8 of 12");

    // To the end, which knows what was passed over.
    for (let skip = 0; skip < 5; skip++) await page.getByTestId("review-next").click();
    await page.getByTestId("review-end").filter({ hasText: "11 approvals still wait" }).waitFor();
    await page.getByTestId("review-again").click();
    must((await subject(page)) === first, "does not begin again with the first");
    await page.reload();
    await at(page, "1 of 11"); // what was decided before is no part of a new walk
    await page.goBack();
    await page.getByTestId("review").waitFor();
  });
  walk("come back from the review to where the inbox was", "/", "rich", async (page) => {
    const list = page.locator(".list-pane .scroll");
    await page.getByTestId("review").waitFor();
    await list.evaluate((view) => {
      view.scrollTop = 180;
    });
    await page.getByTestId("review").click();
    await at(page, "1 of 11");
    await page.getByTestId("review-next").click();
    await page.getByTestId("review-close").click();
    await page.getByTestId("review").waitFor();
    must((await list.evaluate((view) => view.scrollTop)) === 180, "the list is elsewhere");
    must(new URL(page.url()).pathname === "/", "not in the inbox");
    must(await page.evaluate(() => document.activeElement?.getAttribute("data-testid") === "review"), "the focus is lost");
  });
  walk("a double tap in a review decides one, not the one after it", `/review/${S(205)}`, "rich", async (page) => {
    await at(page, "7 of 11");
    await ready(page);
    await card(page).getByTestId("allow-once").dblclick();
    await at(page, "8 of 11");
    await ready(page);
    must((await sent(page, 1)).length === 1, `decided ${JSON.stringify(await decided(page))}`);
    must(await card(page).getByTestId("allow-once").isVisible(), "the next one is decided");
    // A press counts again once it could be seen.
    await card(page).getByTestId("allow-once").click();
    await at(page, "9 of 11");
    must((await sent(page, 2)).length === 2, "can't be decided any more");
  });
  walk("take a decision back that was made offline, before it is sent", `/review/${S(205)}`, "rich", async (page) => {
    await at(page, "7 of 11");
    await ready(page);
    await page.evaluate(() => globalThis.mock.offline());
    await page.locator('[data-testid="connection-state"][data-state="offline"]').waitFor({ state: "attached" });
    await page.getByTestId("review-undo").click();
    await page.getByTestId("review-message").filter({ hasText: "not decided anything" }).waitFor();
    await card(page).getByTestId("allow-once").click();
    await at(page, "8 of 11");
    await page.getByText("1 message waiting to be sent").waitFor();
    await page.getByTestId("review-undo").click();
    await page.getByTestId("review-message").filter({ hasText: "Taken back" }).waitFor();
    await at(page, "7 of 11");
    must((await subject(page)) === S(205), "another card");
    await page.evaluate(() => globalThis.mock.online());
    await page.locator('[data-testid="connection-state"][data-state="online"]').waitFor({ state: "attached" });
    must((await decided(page)).length === 0, "it was sent");
    await ready(page);
    await card(page).getByTestId("deny").click();
    await page.getByTestId("deny-confirm").click();
    await at(page, "8 of 11");
    await page.waitForFunction(() => globalThis.mock.decided().length === 1);
    await page.getByTestId("review-undo").click();
    await page.getByTestId("review-message").filter({ hasText: "recorded" }).waitFor();
  });
  walk(
    "review by keyboard alone",
    "/",
    "rich",
    async (page) => {
      await page.getByTestId("review").waitFor();
      await page.keyboard.press("r");
      await at(page, "1 of 11");
      await page.keyboard.press("k"); // nothing before the first
      await at(page, "1 of 11");
      await page.keyboard.press("j");
      await at(page, "2 of 11");
      await ready(page);
      // What destroys is not allowed by a key that is pressed twice at once or held down.
      must((await subject(page)) === S(207), "another order");
      await page.keyboard.press("a");
      await page.keyboard.press("a");
      await page.keyboard.down("a");
      for (let repeat = 0; repeat < 5; repeat++) await page.keyboard.down("a");
      await page.keyboard.up("a");
      must((await decided(page)).length === 0, "allowed what destroys");
      await page.keyboard.press("d");
      await page.getByTestId("deny-confirm").press("Enter");
      await at(page, "3 of 11");
      await page.keyboard.press("k");
      await at(page, "2 of 11");
      // What this device decided shows at once; what it says to taking it back depends on whether the machine has recorded it.
      await page.locator('[data-testid="review-card"] [data-testid="approval-card"][data-state="denied"]').waitFor();
      await page.keyboard.press("u");
      await page.getByTestId("review-message").filter({ hasText: "recorded" }).waitFor();
      for (let down = 0; down < 5; down++) await page.keyboard.press("j");
      await at(page, "7 of 11");
      await ready(page);
      await page.keyboard.press("Enter");
      must(await card(page).locator("details[open]").isVisible(), "not unfolded");
      await page.keyboard.press("a");
      await at(page, "8 of 11");
      must((await sent(page, 2)).at(-1)?.approvalId === S(205), "not allowed");
      await page.keyboard.press("Escape");
      await page.getByTestId("review").filter({ hasText: "Review 9" }).waitFor();
    },
    DESK,
  );

  /** A finger, as the browser has it from the glass: it decides itself what is scrolling. */
  const finger = async (page) => {
    const cdp = await page.context().newCDPSession(page);
    const at = (type, x, y) => cdp.send("Input.dispatchTouchEvent", { type, touchPoints: type === "touchEnd" ? [] : [{ x, y }] });
    return async (from, to) => {
      await at("touchStart", ...from);
      for (let step = 1; step <= 8; step++)
        await at("touchMove", from[0] + ((to[0] - from[0]) * step) / 8, from[1] + ((to[1] - from[1]) * step) / 8);
      return () => at("touchEnd");
    };
  };
  walk(
    "swipe a read to the right and a change to the left; scroll without deciding",
    "/",
    "rich",
    async (page) => {
      await page.getByTestId("swipe-hint").waitFor({ state: "attached" });
      const drag = await finger(page);
      const [read] = await page.evaluate(() => globalThis.mock.askReads("git status --short"));
      const row = (id) => page.locator(`[data-swipe="${id}"]`);
      // The list rolls on after a finger was lifted: a row is measured when it stands in the same place in three frames.
      const still = (one) =>
        new Promise((resolve) => {
          let [last, frames] = [NaN, 0];
          const look = () => {
            const { top } = one.getBoundingClientRect();
            frames = top === last ? frames + 1 : 0;
            last = top;
            if (frames >= 3) resolve();
            else requestAnimationFrame(look);
          };
          look();
        });
      const middle = async (id) => {
        await row(id).evaluate((one) => one.scrollIntoView({ block: "center" }));
        await row(id).evaluate(still);
        const box = await row(id).boundingBox();
        return [box.x + box.width / 2, box.y + box.height / 2];
      };

      // What destroys stays where it is.
      let [x, y] = await middle(S(213));
      for (const by of [150, -150]) await (await drag([x, y], [x + by, y]))();
      // Up and down is scrolling, also when it ends far aside.
      [x, y] = await middle(read);
      const list = page.locator(".list-pane .scroll");
      const before = await list.evaluate((view) => view.scrollTop);
      // Where it stands is known when the browser says that it rolls no more; on a busy machine it begins late and stops in between.
      await list.evaluate((view) => {
        view.addEventListener("scrollend", () => (view.dataset.rolled = "yes"), { once: true });
      });
      await (
        await drag([x, y], [x + 40, y + 260])
      )();
      await page.waitForFunction((before) => document.querySelector(".list-pane .scroll").scrollTop < before, before);
      await page.locator(".list-pane .scroll[data-rolled]").waitFor();
      must((await decided(page)).length === 0, `decided ${JSON.stringify(await decided(page))}`);
      must(new URL(page.url()).pathname === "/", "opened something");

      [x, y] = await middle(read);
      const lift = await drag([x - 80, y], [x + 80, y]);
      await page.getByTestId("swipe-cue").filter({ hasText: "Release to allow" }).waitFor();
      must((await decided(page)).length === 0, "decided before the finger was lifted");
      await lift();
      await row(read).waitFor({ state: "detached" });
      [x, y] = await middle(S(205));
      await (
        await drag([x - 80, y], [x + 80, y])
      )(); // not read-only: nothing to the right
      await (
        await drag([x + 80, y], [x - 80, y])
      )();
      await row(S(205)).waitFor({ state: "detached" });
      must(
        (await sent(page, 2)).map((one) => one.approvalId).join() === [read, S(205)].join(),
        `decided ${JSON.stringify(await decided(page))}`,
      );
      must(new URL(page.url()).pathname === "/", "opened something");
    },
    undefined,
    { hasTouch: true, isMobile: true },
  );
}
