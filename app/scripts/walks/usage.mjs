/** What agents used and its limits: the numbers, the picture, budgets of the owner's and of this device. */
export function usage({ walk, must }) {
  walk("see what was used, by day, model, project and session, and go to a session", "/machine", "rich", async (page) => {
    await page.getByTestId("open-usage").click();
    const bars = page.getByTestId("usage-bars");
    await bars.waitFor();
    must((await bars.locator("rect").count()) === 30, "not every day has its place");
    must(/Highest on/.test((await bars.getAttribute("aria-label")) ?? ""), "the picture has no words");
    const marked = () => bars.locator("rect.marked").count();
    const week = await marked();
    must((await page.getByTestId("usage-7").isChecked()) && week <= 7, "a week is not marked as one");
    const before = await page.getByTestId("usage-models").innerText();
    await page.getByTestId("usage-30").check({ force: true });
    await page.waitForFunction((was) => document.querySelector('[data-testid="usage-models"]')?.innerText !== was, before);
    must((await marked()) > week, "the month is not marked");
    await page.getByTestId("usage-models").filter({ hasText: "cost unknown" }).waitFor();
    for (const note of ["usage-unpriced", "usage-estimated", "usage-own-login", "usage-direct"]) await page.getByTestId(note).waitFor();
    await page.getByTestId("usage-table").click();
    must((await page.getByRole("row").count()) > 20, "the table has not the days");
    await page.getByTestId("usage-by-tokens").click();
    await page.getByTestId("usage-bars").and(page.locator('[aria-label*="tokens"]')).waitFor();
    await page.getByTestId("usage-all-sessions").click();
    await page.getByTestId("usage-sessions").filter({ hasText: "(removed)" }).filter({ hasText: "14 more" }).waitFor();
    await page.getByTestId("usage-sessions").getByRole("button").first().click();
    await page.getByTestId("session-project").waitFor();
  });
  walk("set a budget, change it and hold to remove it; the owner's stays", "/machine/usage", "rich", async (page) => {
    const budgets = page.getByTestId("budget");
    await budgets.nth(1).waitFor();
    await page.getByTestId("budget-add").click();
    await page.getByTestId("budget-scope").selectOption("project");
    await page.getByTestId("budget-project").selectOption({ index: 1 });
    must(await page.getByTestId("budget-save").isDisabled(), "takes a budget without a limit");
    await page.getByTestId("budget-dollars").fill("5,50");
    must(await page.getByTestId("budget-save").isDisabled(), "takes what is no number");
    must((await page.getByTestId("budget-dollars").getAttribute("aria-invalid")) === "true", "does not say which field is wrong");
    await page.getByTestId("budget-dollars").fill("5.50");
    await page.getByTestId("budget-save").click();
    const made = budgets.filter({ hasText: "Project api" });
    await made.filter({ hasText: "$5.50" }).filter({ hasText: "then asks" }).waitFor();
    await made.click();
    must((await page.getByTestId("budget-dollars").inputValue()) === "5.5", "forgot what is set");
    await page.getByTestId("budget-tokens").fill("1000000");
    await page.getByTestId("budget-action").selectOption("stop");
    await page.getByTestId("budget-save").click();
    await made.filter({ hasText: "$5.50 or 1,000,000 tokens" }).filter({ hasText: "then stops" }).waitFor();
    await made.click();
    const hold = await page.getByTestId("budget-remove").boundingBox();
    await page.mouse.move(hold.x + hold.width / 2, hold.y + hold.height / 2);
    await page.mouse.down();
    await made.waitFor({ state: "detached" });
    await page.mouse.up();
    await budgets.filter({ hasText: "Set at the machine" }).click();
    await page.getByTestId("budget-owners").waitFor();
    must((await page.getByTestId("budget-remove").count()) === 0, "offers to lift the owner's budget");
  });
  walk("a device that can't manage sees budgets and can change none", "/machine/usage", "viewer", async (page) => {
    await page.getByTestId("budget").first().waitFor();
    must((await page.getByTestId("budget-add").count()) === 0, "offers a change");
    must(
      (await page
        .getByTestId("budget")
        .first()
        .evaluate((row) => row.tagName)) === "DIV",
      "offers to open one",
    );
  });
  walk("a machine whose agents used nothing says so", "/machine/usage", "ready", async (page) => {
    await page.getByTestId("usage-none").waitFor();
    must((await page.getByTestId("usage-bars").count()) === 0, "draws a picture of nothing");
    await page.getByTestId("budgets").filter({ hasText: "No budgets" }).waitFor();
  });
}
