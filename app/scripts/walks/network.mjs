// Walks on a network that comes and goes, and on one that is slow. Time is the page's own, moved by hand: nothing here waits for a second to pass.

/** @param {{ walk: Function, must: Function, S: (n: number) => string }} tools */
export function network({ walk, must, S }) {
  const state = (page, kind) => page.locator(`[data-testid="connection-state"][data-state="${kind}"]`).waitFor({ state: "attached" });
  const place = (page, testId) =>
    page
      .getByTestId(testId)
      .boundingBox()
      .then((box) => JSON.stringify(box));

  walk(
    "a network that comes and goes each second: nothing lost, nothing twice, nothing jumps",
    `/sessions/${S(103)}`,
    "rich",
    async (page) => {
      await page.clock.install();
      await page.reload();
      const field = page.getByTestId("prompt-input");
      await field.waitFor();
      await page.getByTestId("transcript").locator(".item").first().waitFor();
      await state(page, "online");
      await field.click();
      // What is told to a screen reader, and how often a bar comes into view.
      await page.evaluate(() => {
        globalThis.bars = 0;
        new MutationObserver((changes) => {
          for (const { addedNodes } of changes)
            for (const node of addedNodes)
              if (node instanceof Element && (node.matches(".bar") || node.querySelector(".bar"))) globalThis.bars++;
        }).observe(document.querySelector(".bars"), { childList: true, subtree: true });
      });
      // From here on time stands still but for what is given to it, however busy this machine is.
      await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
      const before = [await place(page, "prompt-input"), await place(page, "transcript")];
      let words = "";
      for (let second = 0; second < 12; second++) {
        await page.evaluate((gone) => (gone ? globalThis.mock.offline() : globalThis.mock.online()), second % 2 === 0);
        await state(page, second % 2 === 0 ? "offline" : "online");
        await page.keyboard.type(`${second} `);
        words += `${second} `;
        await page.clock.runFor(1000);
        must((await field.inputValue()) === words, `lost what was typed: ${await field.inputValue()}`);
        must(await field.evaluate((one) => one === document.activeElement), "the focus is lost");
        const now = [await place(page, "prompt-input"), await place(page, "transcript")];
        must(now.join() === before.join(), `moved in second ${second}: ${before.join()} → ${now.join()}`);
      }
      const bars = await page.evaluate(() => globalThis.bars);
      must(bars === 0, `${bars} bars came and went`);
      await page.clock.resume();

      // Sent while it is away, and again while it comes and goes: once on the machine.
      await page.evaluate(() => globalThis.mock.offline());
      await state(page, "offline");
      await page.getByTestId("send").click();
      await page.getByTestId("outbox-item").waitFor();
      for (let turn = 0; turn < 6; turn++) {
        await page.evaluate((gone) => (gone ? globalThis.mock.offline() : globalThis.mock.online()), turn % 2 === 1);
        await state(page, turn % 2 === 1 ? "offline" : "online");
        await page.clock.runFor(1000);
      }
      await page.evaluate(() => globalThis.mock.online());
      await state(page, "online");
      await page.getByTestId("outbox-item").waitFor({ state: "detached" });
      const sent = await page.evaluate(() => globalThis.mock.prompts());
      must(sent.length >= 1 && new Set(sent.map((one) => one.promptId)).size === 1, `sent ${JSON.stringify(sent)}`);
      const told = page.getByTestId("transcript").getByText(words.trim());
      await told.first().waitFor();
      must((await told.count()) === 1, `${await told.count()} times in the conversation`);

      // When it stays away, that is said, once, and not each second to a screen reader.
      await page.evaluate(() => globalThis.mock.offline());
      await state(page, "offline");
      await page.clock.runFor(4000);
      await page.getByText("Offline since").waitFor();
      await page.locator('.bars [role="status"] [aria-hidden="true"]', { hasText: /retry in \d+ s|retrying now/ }).waitFor();
    },
  );
  walk("a slow network: what was tapped is seen at once, and done once", `/approvals/${S(205)}`, "rich", async (page) => {
    await page.getByTestId("allow-once").waitFor();
    await page.evaluate(() => globalThis.mock.hold());
    await page.getByTestId("allow-once").click();
    await page.getByTestId("decision-steps").getByText("Sent").waitFor();
    must((await page.getByTestId("allow-once").count()) === 0, "can be tapped again");
    must((await page.locator('[data-testid="approval-card"][data-state="pending"]').count()) === 1, "says more than it knows");
    // Elsewhere meanwhile: places for what comes, and words that stay.
    await page.goto(new URL(`/sessions/${S(103)}?mock=rich`, page.url()).href);
    await page.getByTestId("prompt-input").fill("half a thought");
    await page.evaluate(() => globalThis.mock.hold());
    await page.getByTestId("send").click();
    await page.getByTestId("outbox-item").filter({ hasText: "half a thought" }).waitFor();
    await page.evaluate(() => globalThis.mock.release());
    await page.getByTestId("outbox-item").waitFor({ state: "detached" });
    const sent = await page.evaluate(() => globalThis.mock.prompts());
    must(sent.length === 1, `sent ${JSON.stringify(sent)}`);
  });
}
