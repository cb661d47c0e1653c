// Walks from one decision to the next: what only reads, what was decided before, what comes after.

/** @param {{ walk: Function, must: Function, S: (n: number) => string }} tools */
export function approvals({ walk, must, S }) {
  walk("allow all that only reads with one tap, each decided on its own", "/", "rich", async (page) => {
    await page.getByTestId("inbox-count").waitFor();
    const before = Number(
      await page
        .getByTestId("inbox-count")
        .innerText()
        .then((text) => parseInt(text, 10)),
    );
    const asked = await page.evaluate(() => globalThis.mock.askReads("git status --short", "ls -l build", "git log -1"));
    const reads = page.getByTestId("reads");
    await reads.getByTestId("allow-reads").filter({ hasText: "Allow 3 reads" }).click();
    await reads.waitFor({ state: "detached" });
    await page.waitForFunction(
      (before) => parseInt(document.querySelector('[data-testid="inbox-count"]').textContent, 10) === before,
      before,
    );
    const decided = await page.evaluate(() => globalThis.mock.decided());
    must(
      JSON.stringify(decided.map((one) => one.approvalId).sort()) === JSON.stringify([...asked].sort()) &&
        new Set(decided.map((one) => one.decisionId)).size === 3 &&
        decided.every((one) => one.scope === "once"),
      `decided ${JSON.stringify(decided)}`,
    );
  });
  walk("see what was decided on the same thing before", "/", "rich", async (page) => {
    await page.getByTestId("inbox-count").waitFor();
    await page.evaluate(() => globalThis.mock.askReads("git log -1", "git log -1"));
    await page.getByTestId("allow-reads").click();
    await page.getByTestId("inbox-item").filter({ hasText: "git log -1" }).first().waitFor({ state: "detached" });
    await page.evaluate(() => globalThis.mock.askReads("git log -1"));
    await page.getByRole("link", { name: /git log -1/ }).click();
    await page.getByTestId("decided-before").filter({ hasText: "allowed 2 times. Last: allowed just now" }).waitFor();
  });
  walk("read what a command wrote where it was allowed", `/approvals/${S(201)}`, "rich", async (page) => {
    await page.getByTestId("allow-once").click();
    await page.getByTestId("execution-tail").filter({ hasText: "214 passed" }).waitFor();
    const card = page.getByTestId("approval-card");
    must(!(await card.innerText()).includes("wants to"), "still says what it wants");
    const output = await page.getByTestId("execution-tail").boundingBox();
    must(output !== null && output.y + output.height < 844, "the output is below the screen");
  });
  walk("step through the changes of an edit of 20,000 lines, of which few are drawn", "/", "rich", async (page) => {
    await page.getByTestId("inbox-count").waitFor();
    await page.evaluate(() => globalThis.mock.askEdit("20000"));
    await page.getByTestId("inbox-item").filter({ hasText: "rules.ts" }).click();
    await page.getByTestId("next-change").waitFor();
    await page.locator("[data-block] .line").first().waitFor();
    const drawn = () => page.locator("[data-block] .line").count();
    must((await drawn()) < 400, `${await drawn()} lines are drawn`);
    // The decision and what it is about are in view before any line of it.
    must(await page.getByTestId("allow-once").isVisible(), "no way to decide");
    for (let step = 0; step < 3; step++) await page.getByTestId("next-change").click();
    await page.getByText("Change 3 of 2,000").or(page.getByText("Change 3 of 2000")).waitFor();
    const seen = await page.locator("[data-change]").filter({ hasText: "rule(24" }).boundingBox();
    must(seen !== null && seen.y > 0 && seen.y < 844, "the third change is not in view");
    await page
      .locator(".scroll")
      .last()
      .evaluate((view) => {
        view.scrollTop = view.scrollHeight;
      });
    await page.getByText("registry-19999.example.com").waitFor();
    must((await drawn()) < 600, `${await drawn()} lines are drawn at the end`);
  });
}
