// Walks through changes: old and new side by side, and a repository by keyboard.

const DESK = { width: 1280, height: 800 };

/** @param {{ walk: Function, must: Function, S: (n: number) => string, base: string }} tools */
export function diffs({ walk, must, S, base }) {
  const LOGIN = `/projects/${S(1)}/git/diff/unstaged/src%2Fauth%2Flogin~dts`;

  walk(
    "see old and new side by side: rows in line, chosen once for all changes, one side copied",
    `/approvals/${S(202)}`,
    "rich",
    async (page) => {
      await page.getByTestId("diff-sides").first().waitFor();
      must((await page.locator(".pair").count()) === 0, "side by side without having been asked");
      await page.keyboard.press("b");
      await page.locator(".pair").first().waitFor();
      must((await page.getByTestId("diff-sides").first().getAttribute("aria-pressed")) === "true", "does not say that it is on");
      const crooked = await page
        .locator(".pair")
        .evaluateAll(
          (rows) => rows.filter((row) => new Set([...row.children].map((one) => one.getBoundingClientRect().top)).size > 1).length,
        );
      must(crooked === 0, `${crooked} rows are not in line`);
      must((await page.locator('.pair [data-side="old"].remove .word').count()) > 0, "no changed word is marked on the old side");
      must((await page.locator('.pair [data-side="new"].add .word').count()) > 0, "nor on the new side");
      await page.keyboard.press("?");
      await page.getByRole("dialog").getByText("old and new side by side").waitFor();

      // Another screen and a reload: it stays.
      await page.goto(`${base}${LOGIN}?mock=rich`);
      await page.locator(".pair").first().waitFor();
      const copied = async (side) => {
        const cells = page.locator(`.pair [data-side="${side}"]:not(.none) .text`);
        const [first, last] = [await cells.first().boundingBox(), await cells.nth(4).boundingBox()];
        await page.mouse.move(first.x + 1, first.y + first.height / 2);
        await page.mouse.down();
        await page.mouse.move(last.x + last.width - 2, last.y + last.height / 2, { steps: 8 });
        await page.mouse.up();
        const text = await page.evaluate(() => getSelection().toString());
        return {
          text,
          own: await page.locator(`.pair [data-side="${side}"] .text`).allInnerTexts(),
          other: await page.locator(`.pair .${side === "old" ? "add" : "remove"} .text`).allInnerTexts(),
        };
      };
      for (const side of ["old", "new"]) {
        const { text, other } = await copied(side);
        must(text.trim().split("\n").length > 2, `${side}: too little is selected: ${text}`);
        const strange = other.map((line) => line.replace(/^[+−] /, "").trim()).filter((line) => line.length > 8 && text.includes(line));
        must(strange.length === 0, `${side}: the other side is copied too: ${strange[0]}`);
        must(!/^\d/m.test(text), `${side}: line numbers are copied: ${text}`);
      }

      // Lines of both sides can be spoken about, and staged.
      await page.locator('.pair [data-side="old"].remove').first().getByTestId("comment-line").click();
      await page.getByTestId("comment-text").fill("Why was this?");
      await page.getByTestId("comment-add").click();
      await page.getByTestId("comment").filter({ hasText: "Why was this?" }).waitFor();
      await page.getByTestId("choose-lines").click();
      await page.locator('.pair [data-side="old"].remove').first().getByTestId("choose-line").click();
      await page.locator('.pair [data-side="new"].add').first().getByTestId("choose-line").click();
      await page.getByTestId("move-lines").filter({ hasText: "2 lines" }).click();
      await page.locator('[data-testid="group-staged"] [data-path="src/auth/login.ts"]').waitFor();
      await page.keyboard.press("b");
      await page.locator(".pair").first().waitFor({ state: "detached" });
    },
    DESK,
  );
  walk("a narrow screen has one side only, whatever was chosen", LOGIN, "rich", async (page) => {
    await page.evaluate(() => localStorage.setItem("pocketcoder-diff-sides", "on"));
    await page.reload();
    await page.getByTestId("git-diff").waitFor();
    must((await page.locator(".pair").count()) === 0 && (await page.getByTestId("diff-sides").count()) === 0, "two sides on a phone");
  });

  const focused = (page) =>
    page.evaluate(() => {
      const { path, head, row, testid } = document.activeElement?.dataset ?? {};
      return {
        path,
        head: head !== undefined,
        row,
        testid,
        text: document.activeElement?.textContent ?? "",
        body: document.activeElement === document.body,
      };
    });
  const said = (page, text) => page.getByTestId("git-said").filter({ hasText: text }).waitFor({ state: "attached" });
  const arrives = (page, what) => page.waitForFunction((what) => document.activeElement?.matches(what), what);

  for (const [where, size] of [
    ["a desk", DESK],
    ["a phone", { width: 390, height: 844 }],
  ])
    walk(
      `stage files, hunks and lines by keyboard alone, on ${where}`,
      `/projects/${S(1)}/git`,
      "rich",
      async (page) => {
        const at = (kind, path) => page.locator(`[data-testid="group-${kind}"] [data-path="${path}"]`);
        await page.getByTestId("change").first().waitFor();
        await page.keyboard.press("j");
        await page.keyboard.press("j");
        must((await focused(page)).path === "old/notes.txt", `at ${JSON.stringify(await focused(page))}`);
        await page.keyboard.press("Space");
        await at("staged", "old/notes.txt").waitFor();
        await said(page, "2 files staged");
        // It went to another group; what stands in its place has the focus.
        await arrives(page, '[data-testid="change"]');
        must(page.url().endsWith("/git?mock=rich") || page.url().endsWith("/git"), "the space bar opened it too");
        await page.locator('[data-testid="group-unstaged"] [data-path="src/auth/login.ts"]').focus();

        // Into its lines.
        await page.keyboard.press("Enter");
        await arrives(page, "[data-head]");
        const hunks = await page.locator("[data-head]").count();
        await page.keyboard.press("s");
        await page.waitForFunction((n) => document.querySelectorAll("[data-head]").length === n - 1, hunks);
        await arrives(page, "[data-head], [data-row]");
        await said(page, "3 files staged");
        await page.keyboard.press("]");
        await arrives(page, "[data-row][data-change]");
        must(/\+|−/.test(await page.getByTestId("git-said").textContent()), "does not say what the line is");

        // Lines: one that is unchanged, then a range, out of it, and again.
        await page.keyboard.press("[");
        await page.keyboard.press("k");
        await page.keyboard.press("s");
        await said(page, "unchanged");
        await page.keyboard.press("]");
        await page.keyboard.press("v");
        await said(page, "1 line selected");
        await page.keyboard.press("j");
        await said(page, "2 lines selected");
        await page.keyboard.press("Escape");
        must((await page.getByRole("checkbox", { checked: true }).count()) === 0, "still chosen");
        await page.keyboard.press("v");
        const before = await page.locator(".line.add, .line.remove").count();
        await page.keyboard.press("s");
        await page.waitForFunction((n) => document.querySelectorAll(".line.add, .line.remove").length < n, before);
        must(!(await focused(page)).body, "the focus is lost");

        // A comment, and back to the line.
        await page.keyboard.press("]");
        await page.keyboard.press("c");
        await page.getByTestId("comment-text").fill("Why?");
        await page.getByTestId("comment-add").click();
        await page.getByTestId("comment").waitFor();
        await arrives(page, "[data-row]");

        // All that is left, hunk by hunk: at the end there is nothing, and the focus is somewhere all the same.
        while ((await page.locator("[data-head]").count()) > 0) {
          const left = await page.locator("[data-head]").count();
          await page.locator("[data-head]").first().focus();
          await page.keyboard.press("s");
          await page.waitForFunction((n) => document.querySelectorAll("[data-head]").length < n, left);
        }
        await page.waitForFunction(() => document.activeElement !== document.body);
        await page.keyboard.press("?");
        await page.getByRole("dialog").getByText("stage or unstage a file, hunk or line").waitFor();
      },
      size,
    );
  walk(
    "on a desk the files stand beside the lines, and Escape leads back to them",
    LOGIN,
    "rich",
    async (page) => {
      await page.getByTestId("git-diff").waitFor();
      await page.locator('[data-testid="change"][aria-current="true"]').waitFor();
      await page.keyboard.press("]");
      await arrives(page, "[data-row][data-change]");
      await page.keyboard.press("Escape");
      await arrives(page, '[data-testid="change"][data-path="src/auth/login.ts"]');
      await page.keyboard.press("Enter");
      await arrives(page, "[data-head]");
    },
    DESK,
  );
  walk(
    "side by side a row is staged with both of its lines",
    LOGIN,
    "rich",
    async (page) => {
      await page.getByTestId("git-diff").waitFor();
      await page.keyboard.press("b");
      await page.locator(".pair").first().waitFor();
      await page.keyboard.press("]");
      await page.keyboard.press("v");
      await said(page, "2 lines selected");
      await page.keyboard.press("s");
      await page.locator('[data-testid="group-staged"] [data-path="src/auth/login.ts"]').waitFor();
    },
    DESK,
  );
}
