// Walks in the list of sessions: marks, filters, many at once, deletion.

/** @param {{ walk: Function, must: Function, S: (n: number) => string }} tools */
export function list({ walk, must, S }) {
  const row = (page, title) => page.getByTestId("session-item").filter({ hasText: title });
  const filter = (page, name) => page.getByTestId("filter").filter({ hasText: name });
  const DESK = { width: 1280, height: 800 };

  walk("list: pin a session from its menu, and the filter stays", `/sessions/${S(104)}`, "rich", async (page) => {
    await page.getByTestId("session-menu").click();
    await page.getByTestId("mark-pin").click();
    await page.getByTestId("mark-pin").getByText("Unpin").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "All sessions" }).click();
    await row(page, "Apply the new network").getByText("Pinned").waitFor({ state: "attached" });
    await filter(page, "Pinned").click();
    must((await page.getByTestId("session-item").count()) === 2, "not only the pinned ones");
    await page.reload();
    await page.getByTestId("session-item").first().waitFor();
    must((await filter(page, "Pinned").getAttribute("aria-pressed")) === "true", "the filter was forgotten");
  });
  walk("list: a snoozed session returns at its time", "/sessions", "rich", async (page) => {
    await page.clock.install();
    await page.reload();
    await page.getByTestId("select").click();
    await page.getByRole("checkbox", { name: /Write tests for/ }).click();
    await page.getByTestId("mark-snooze").click();
    await page.getByTestId("snooze-hour").click();
    await page.getByTestId("selection-bar").waitFor({ state: "detached" });
    await row(page, "Write tests for").waitFor({ state: "detached" });
    await filter(page, "Snoozed").click();
    await row(page, "Write tests for").waitFor();
    await filter(page, "All").click();
    await page.clock.fastForward("01:01:00");
    await row(page, "Write tests for").waitFor();
  });
  walk("list: archive two after a long press; what works is refused, by its name", "/sessions", "rich", async (page) => {
    const first = row(page, "Write tests for");
    await first.dispatchEvent("pointerdown", { pointerType: "touch", isPrimary: true, clientX: 100, clientY: 100 });
    await page.getByTestId("selection-bar").waitFor();
    await first.dispatchEvent("pointerup", { pointerType: "touch", isPrimary: true });
    await first.dispatchEvent("click");
    await page.getByTestId("selection-bar").getByText("1 selected").waitFor();
    await row(page, "Upgrade the build image").click();
    await page.getByTestId("selection-bar").getByText("2 selected").waitFor();
    await page.getByTestId("mark-archive").click();
    const failures = page.getByTestId("mark-failures");
    await failures.getByText("Upgrade the build image").waitFor();
    must((await failures.getByRole("listitem").count()) === 1, "more than one failed");
    await first.waitFor({ state: "detached" });
    await page.getByTestId("leave-selection").click();
    await filter(page, "Archived").click();
    await first.waitFor();
  });
  walk(
    "list: select by keyboard and with Shift, label all, leave with Escape",
    "/sessions",
    "rich",
    async (page) => {
      await page.getByTestId("session-item").first().focus();
      await page.keyboard.press("x");
      await page.getByTestId("selection-bar").getByText("1 selected").waitFor();
      await page
        .getByTestId("session-item")
        .nth(2)
        .click({ modifiers: ["Shift"] });
      await page.getByTestId("selection-bar").getByText("3 selected").waitFor();
      await page.getByTestId("mark-label").click();
      await page.getByTestId("label-new").fill("weekend");
      await page.getByTestId("label-add").click();
      await page.getByTestId("label-save").click();
      await filter(page, "weekend").click();
      must((await page.getByTestId("session-item").count()) === 3, "not on all of them");
      await page.getByTestId("session-item").first().focus();
      await page.keyboard.press("x");
      await page.getByTestId("selection-bar").waitFor();
      await page.keyboard.press("Escape");
      await page.getByTestId("selection-bar").waitFor({ state: "detached" });
    },
    DESK,
  );
  walk("list: delete a session, after what goes and what stays was said", "/sessions", "rich", async (page) => {
    await page.getByTestId("select").click();
    await page.getByRole("checkbox", { name: /Write tests for/ }).click();
    await page.getByTestId("mark-delete").click();
    await page.getByText(/The ledger keeps its rows/).waitFor();
    await page.getByTestId("delete-confirm").dispatchEvent("pointerdown", { button: 0, pointerType: "touch" });
    await row(page, "Write tests for").waitFor({ state: "detached" });
    await page.getByTestId("selection-bar").waitFor({ state: "detached" });
  });
  walk("list: a device that may not manage reads why it can't delete", `/sessions/${S(103)}`, "viewer", async (page) => {
    await page.getByTestId("session-menu").click();
    await page.getByTestId("mark-delete").click();
    await page.getByText("Deleting needs a device paired with the manage scope.").waitFor();
    must((await page.getByTestId("delete-confirm").count()) === 0, "it can be confirmed");
  });
  for (const [who, says] of [
    ["limited", "The owner limited this device"],
    ["two-people", "Two people must allow what is risky"],
  ]) {
    walk(
      `a device that acts through approvals alone (${who}) has no buttons that would be refused`,
      `/projects/${S(1)}/runs`,
      who,
      async (page) => {
        await page.getByTestId("only-approvals").getByText(says).waitFor();
        must((await page.getByTestId("command-line").count()) === 0, "it can run a command");
        await page.goto(page.url().replace("/runs", "/files"));
        await page.getByTestId("only-approvals").waitFor();
        must((await page.getByTestId("new-file").count()) === 0, "it can make a file");
        await page.goto(page.url().replace("/files", "/git"));
        await page.getByTestId("only-approvals").waitFor();
        must((await page.getByTestId("commit-open").count()) === 0, "it can commit");
      },
    );
  }
  walk("list: reading a session clears its mark", "/sessions", "rich", async (page) => {
    const unread = row(page, "Write tests for").getByText("Unread");
    await unread.waitFor({ state: "attached" });
    await row(page, "Write tests for").click();
    await page.getByTestId("transcript").waitFor();
    await page.getByRole("button", { name: "All sessions" }).click();
    await row(page, "Write tests for").waitFor();
    await unread.waitFor({ state: "detached" });
  });
}
