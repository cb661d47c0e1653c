// Walks in one session: its messages and what can be done with them, find, what is not there.

/** @param {{ walk: Function, must: Function, S: (n: number) => string }} tools */
export function session({ walk, must, S }) {
  walk("quote a message, then edit an earlier prompt and send it again", `/sessions/${S(101)}`, "rich", async (page) => {
    await page.getByTestId("prompt-input").fill("Look at this:");
    const menus = page.getByTestId("message-menu");
    await menus.last().waitFor();
    await menus.last().click();
    await page.getByTestId("message-quote").click();
    const field = page.getByTestId("prompt-input");
    must(/^Look at this:\n\n> /.test(await field.inputValue()), `not quoted: ${await field.inputValue()}`);
    await field.fill("");
    await page.getByTestId("transcript").evaluate((view) => {
      view.scrollTop = 0;
    });
    await menus.first().click();
    await page.getByTestId("message-edit").click();
    must((await field.inputValue()).length > 3, "the prompt is not in the field");
    must(await field.evaluate((one) => one === document.activeElement), "the field has no focus");
  });
  walk("bring an earlier prompt back with the arrow keys", `/sessions/${S(101)}`, "rich", async (page) => {
    const field = page.getByTestId("prompt-input");
    await page.getByTestId("message-menu").first().waitFor();
    await field.focus();
    await page.keyboard.press("ArrowUp");
    const earlier = await field.inputValue();
    must(earlier !== "", "nothing came back");
    await page.keyboard.press("ArrowDown");
    must((await field.inputValue()) === "", "the empty field did not come back");
    await field.fill("something of my own");
    await page.keyboard.press("ArrowUp");
    must((await field.inputValue()) === "something of my own", "what was written is gone");
  });
  walk("find marks every hit and frames the one that is looked at", `/sessions/${S(101)}`, "rich", async (page) => {
    await page.getByRole("button", { name: "Find in session" }).click();
    await page.getByRole("searchbox", { name: "Find in session" }).fill("hash");
    await page.locator(".item.marked").waitFor();
    await page.waitForFunction(() => (CSS.highlights.get("find-here")?.size ?? 0) > 0);
    const texts = await page.evaluate(() =>
      ["find", "find-here"].flatMap((name) => [...(CSS.highlights.get(name) ?? [])]).map((range) => range.toString().toLowerCase()),
    );
    must(texts.length > 1 && texts.every((text) => text === "hash"), `marked ${JSON.stringify(texts)}`);
    await page.keyboard.press("Escape");
    await page.waitForFunction(() => !CSS.highlights.has("find"));
    must((await page.locator(".item.marked").count()) === 0, "still framed");
  });
  walk("what is typed while a prompt is stored is the next prompt", `/sessions/${S(101)}`, "rich", async (page) => {
    const field = page.getByTestId("prompt-input");
    await field.fill("one");
    // Both in one step of the page: nothing can be stored in between.
    await field.evaluate((area) => {
      document.querySelector("[data-testid=send]").click();
      area.value = "one and two";
      area.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await page.waitForFunction(() => document.querySelector("[data-testid=prompt-input]").value === " and two");
    await page.getByTestId("queue-item").or(page.getByTestId("outbox-item")).filter({ hasText: "one" }).first().waitFor();
  });
  walk("start a session in a folder beneath the project's root", `/new/${S(1)}`, "rich", async (page) => {
    await page.getByTestId("folder-open").click();
    await page.getByTestId("folder-item").filter({ hasText: "src" }).first().click();
    await page.getByTestId("folder-use").getByText("Use this folder").click();
    must((await page.getByTestId("folder-now").innerText()) === "src", `chosen ${await page.getByTestId("folder-now").innerText()}`);
    await page.getByTestId("prompt-input").fill("Tidy up here");
    await page.getByTestId("send").click();
    const shown = page.getByTestId("session-folder");
    await shown.waitFor();
    must((await shown.innerText()) === "src", `the header says ${await shown.innerText()}`);
    await shown.click();
    await page.waitForURL((url) => url.pathname.endsWith("/files/folder/src"));
  });
  walk("work in a new worktree, merge it and throw it away", `/new/${S(1)}`, "rich", async (page) => {
    await page.getByTestId("prompt-input").fill("Slow down guessing");
    await page.getByTestId("worktree-switch").check();
    const branch = page.getByTestId("worktree-branch");
    must((await branch.inputValue()) === "slow-down-guessing", `suggested ${await branch.inputValue()}`);
    await branch.fill("not a name");
    must(await page.getByTestId("send").isDisabled(), "sent with a name that git does not take");
    await branch.fill("guessing");
    await page.getByTestId("worktree-base").selectOption("main");
    await page.getByTestId("send").click();
    const shown = page.getByTestId("session-branch");
    await shown.waitFor();
    must((await shown.textContent()) === "guessing", `the header says ${await shown.textContent()}`);
    await page.getByTestId("session-menu").click();
    await page.getByText("The session is working.").waitFor();
    must((await page.getByTestId("worktree-discard").count()) === 0, "it can be thrown away under the agent's feet");
    await page.keyboard.press("Escape");
    await page.getByTestId("stop").click();
    await page.getByTestId("stop").waitFor({ state: "detached" });
    await page.getByTestId("session-menu").click();
    await page.getByTestId("worktree-discard").waitFor();
    must((await page.getByTestId("worktree-discard-hold").count()) === 0, "held although nothing is lost");
    await page.getByTestId("worktree-discard").click();
    await page.getByTestId("worktree-discard-sure").click();
    await page.getByTestId("worktree-actions").waitFor({ state: "detached" });
    await page.getByTestId("session-menu").click();
    await page.getByText("This worktree was thrown away.").waitFor();
  });
  walk("merge a worktree into its base", `/sessions/${S(101)}`, "worktree", async (page) => {
    await page.getByTestId("session-menu").click();
    await page.getByTestId("worktree-merge-base").click();
    await page.getByTestId("worktree-said").waitFor();
    await page.getByText("Nothing to merge: main has all commits.").waitFor();
    await page.getByTestId("worktree-compare").click();
    await page.waitForURL(/\/git\/compare\/main/);
  });
  walk("what a worktree would lose is said, and must be held", `/sessions/${S(101)}`, "worktree-dirty", async (page) => {
    await page.getByTestId("session-menu").click();
    await page.getByTestId("worktree-hindrance").waitFor();
    must((await page.getByTestId("worktree-merge-base").count()) === 0, "it offers to merge what is not committed");
    await page.getByTestId("worktree-discard").click();
    const loss = await page.getByTestId("worktree-loss").textContent();
    must(/2 uncommitted files, 2 commits/.test(loss ?? ""), `it says ${loss}`);
    const hold = page.getByTestId("worktree-discard-hold");
    await hold.click();
    must(await hold.isVisible(), "a tap was enough");
    await hold.hover();
    await page.mouse.down();
    await page.getByTestId("worktree-actions").waitFor({ state: "detached" });
    await page.mouse.up();
  });
  walk("an unknown session takes no prompt", `/sessions/${S(999)}`, "rich", async (page) => {
    await page.getByText("This session is not on the machine.").waitFor();
    must((await page.getByTestId("prompt-input").count()) === 0, "there is a field for what can't be sent");
  });
  walk(
    "on a desk Enter sends and Shift+Enter makes a line",
    `/sessions/${S(106)}`,
    "rich",
    async (page) => {
      const field = page.getByTestId("prompt-input");
      await field.fill("one");
      await page.keyboard.press("Shift+Enter");
      await page.keyboard.type("two");
      must((await field.inputValue()) === "one\ntwo", "no line was made");
      await page.keyboard.press("Enter");
      await page.getByTestId("transcript").getByText("one\ntwo").waitFor();
      must((await field.inputValue()) === "", "not sent");
    },
    { width: 1280, height: 800 },
  );
  walk("search the words of all sessions and open the one that has them", "/sessions", "rich", async (page) => {
    await page.getByPlaceholder("Search sessions").fill("plain text");
    const hit = page.getByTestId("search-hit");
    await hit.first().waitFor();
    must((await hit.first().locator("mark").innerText()).toLowerCase() === "plain text", "the words are not marked");
    await hit.first().click();
    await page.getByTestId("transcript").waitFor();
  });
}
