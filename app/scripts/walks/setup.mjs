// Walks of a first visit: pairing, the first steps, another language.

import { stored } from "../pages.mjs";

/** @param {{ walk: Function, must: Function, base: string }} tools */
export function setup({ walk, must, base }) {
  walk("pair with words to compare, and keep a link that can't be read", "/", "unpaired", async (page) => {
    await page.getByTestId("pair-link").fill("https://atlas.example/#pair=x");
    await page.getByTestId("pair-read").click();
    await page.getByRole("alert").waitFor();
    must((await page.getByTestId("pair-link").inputValue()) !== "", "what was pasted is gone");
    await page.getByTestId("pair-link").fill("https://atlas.example/#pair=aaaaaaaaaaaa");
    await page.getByTestId("pair-read").click();
    must(
      /^([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz](-\w{5}){2}$/.test(await page.getByTestId("machine-words").innerText()),
      "no words to compare",
    );
    await page.getByText("Whole fingerprint").click();
    await page.getByTestId("fingerprint").waitFor();
  });
  walk("what another app shared waits in a new session, behind what was written, until it is sent", "/new", "rich", async (page) => {
    await page.getByTestId("prompt-input").fill("My own words");
    await page.evaluate(() => dispatchEvent(new Event("pagehide")));
    await stored(page, "values", ["My own words"]);
    // As the service worker leaves it (scripts/policy.mjs posts a form to that).
    await page.evaluate(
      () =>
        new Promise((resolve, reject) => {
          const opening = indexedDB.open("pocketcoder-shared", 1);
          opening.onupgradeneeded = () => opening.result.createObjectStore("shared");
          opening.onsuccess = () => {
            const transaction = opening.result.transaction("shared", "readwrite");
            const files = [new File(["a note"], "note.txt", { type: "text/plain" })];
            transaction
              .objectStore("shared")
              .put({ at: Date.now(), title: "", text: "Fix this", url: "https://issues.example/7", files, left: 1 }, "one");
            transaction.oncomplete = () => {
              opening.result.close();
              resolve();
            };
            transaction.onabort = reject;
          };
        }),
    );
    await page.goto(`${base}/new?mock=rich&shared=1`);
    await page.getByTestId("shared").filter({ hasText: "1 file is not attached" }).waitFor();
    await page.getByTestId("attachment").filter({ hasText: "on this device until you send" }).waitFor();
    must(
      (await page.getByTestId("prompt-input").inputValue()) === "My own words\n\nFix this\nhttps://issues.example/7",
      "other words in the field",
    );
    must(!page.url().includes("shared"), "a reload would tell it again");
    await page.getByTestId("send").click();
    await page.getByTestId("transcript").getByText("Fix this").waitFor();
    await page.getByTestId("transcript").getByText("note.txt").first().waitFor();
  });
  walk("a machine without anything says what comes first", "/", "fresh", async (page) => {
    const steps = page.getByTestId("first-steps");
    await steps.waitFor();
    must((await steps.locator('[aria-current="step"]').count()) === 1, "no step is the next");
    must((await page.getByTestId("first-prompt").count()) === 0, "asks for a prompt before there is a project");
  });
  walk("a machine without a key offers to store one before the first prompt", "/", "ready", async (page) => {
    await page.getByTestId("first-key").click();
    await page.getByTestId("key-row").first().filter({ hasText: "No key" }).waitFor();
  });
  walk("find a folder, add it, rename it, remove it, and make a new one", "/machine", "rich", async (page) => {
    await page.getByTestId("add-project").click();
    await page.getByTestId("folder-here").filter({ hasText: "/home/ada" }).waitFor();
    must((await page.getByTestId("folder-add").count()) === 0, "offers the home folder itself");
    await page.getByTestId("folder").filter({ hasText: "src" }).click();
    await page.getByTestId("folder").filter({ hasText: "website" }).click();
    await page.getByTestId("folder-up").click();
    await page.getByTestId("folder").filter({ hasText: "website" }).click();
    await page.getByTestId("folder-here").filter({ hasText: "/home/ada/src/website" }).waitFor();
    await page.getByTestId("folder-add").click();
    await page.getByTestId("project").getByRole("heading", { name: "website" }).waitFor();
    await page.getByTestId("project-menu").click();
    await page.getByTestId("project-name").fill("Shop front");
    await page.getByTestId("project-rename").click();
    await page.getByTestId("project").getByRole("heading", { name: "Shop front" }).waitFor();
    await page.getByTestId("project-menu").click();
    const hold = await page.getByTestId("project-remove").boundingBox();
    await page.mouse.move(hold.x + hold.width / 2, hold.y + hold.height / 2);
    await page.mouse.down();
    await page.getByTestId("add-project").waitFor();
    await page.mouse.up();
    must((await page.getByTestId("project-row").filter({ hasText: "Shop front" }).count()) === 0, "still listed");
    await page.getByTestId("add-project").click();
    await page.getByTestId("folder-new").click();
    await page.getByTestId("new-project-name").fill("src");
    await page.getByTestId("new-project-create").click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    await page.getByTestId("new-project-name").fill("garden");
    await page.getByTestId("new-project-create").click();
    await page.getByTestId("project").getByRole("heading", { name: "garden" }).waitFor();
  });
  walk("clone a repository, cancel one, and hear why one is refused", "/machine", "rich", async (page) => {
    await page.getByTestId("add-project").click();
    await page.getByTestId("folder").filter({ hasText: "src" }).click();
    await page.getByTestId("folder-here").filter({ hasText: "/home/ada/src" }).waitFor();
    const ask = async (address) => {
      await page.getByTestId("folder-clone").click();
      await page.getByTestId("clone-address").fill(address);
    };
    await ask("/etc");
    must((await page.getByTestId("clone-name").inputValue()) === "etc", "suggests another name");
    await page.getByTestId("clone-begin").click();
    await page.getByRole("dialog").getByRole("alert").waitFor();
    await page.getByTestId("clone-address").fill("  https://git.example/ada/notes.git ");
    must((await page.getByTestId("clone-name").inputValue()) === "notes", "the name does not follow the address");
    await page.getByTestId("clone-begin").click();
    await page.getByRole("dialog").getByRole("alert").filter({ hasText: "there already" }).waitFor();
    await page.getByTestId("clone-name").fill("private");
    await page.getByTestId("clone-address").fill("https://git.example/ada/private.git");
    must((await page.getByTestId("clone-name").inputValue()) === "private", "takes back what was typed");
    await page.keyboard.press("Enter");
    const card = page.getByTestId("clone-card");
    await card
      .and(page.locator('[data-state="failed"]'))
      .getByText("pocketcoder git-token set git.example", { exact: false })
      .first()
      .waitFor();
    await page.getByTestId("clone-again").click();
    must(
      (await page.getByTestId("clone-address").inputValue()) === "https://git.example/ada/private.git",
      "the address has to be typed again",
    );
    await page.keyboard.press("Escape");
    must((await card.count()) === 0, "what is being tried again is still shown as failed");
    await ask("git@git.example:ada/slow.git");
    await page.getByTestId("clone-begin").click();
    await page.getByTestId("clone-phase").filter({ hasText: "Receiving objects · 42 %" }).waitFor();
    must(await page.getByTestId("folder-clone").isDisabled(), "offers a second one");
    await page.goBack();
    await page.getByTestId("add-project").click();
    await page.getByTestId("clone-phase").filter({ hasText: "42 %" }).waitFor();
    await page.getByTestId("clone-cancel").click();
    await card.filter({ hasText: "Nothing of it is left" }).waitFor();
    await page.getByTestId("clone-dismiss").click();
    await card.waitFor({ state: "detached" });
    await page.getByTestId("folder").filter({ hasText: "src" }).click();
    await ask("https://git.example/ada/shop.git");
    await page.getByTestId("clone-begin").click();
    await page.getByTestId("project").getByRole("heading", { name: "shop" }).waitFor();
  });
  walk("store a provider's key, hear that it is refused, replace it, and remove it", "/machine", "rich", async (page) => {
    await page.getByTestId("open-keys").click();
    const openai = page.getByTestId("key-row").filter({ hasText: "OpenAI" });
    await openai.filter({ hasText: "No key" }).click();
    const field = page.getByTestId("key-value");
    must((await field.getAttribute("type")) === "password", "what is typed can be read over a shoulder");
    await field.fill("too short");
    must(await page.getByTestId("key-save").isDisabled(), "takes what is no key");
    await field.fill("sk-wrong-key-0123456789");
    await page.getByTestId("key-save").click();
    await page.locator('[data-testid="key-verdict"][data-verdict="refused"]').filter({ hasText: "api.openai.com" }).waitFor();
    must((await field.inputValue()) === "", "the key stays in the field");
    await field.fill("  sk-good-key-0123456789  ");
    await page.getByTestId("key-save").click();
    await page.locator('[data-testid="key-verdict"][data-verdict="works"]').waitFor();
    await page.keyboard.press("Escape");
    await openai.filter({ hasText: "Key stored" }).waitFor();
    must((await page.getByTestId("key-notice").count()) === 0, "this device's own hand is told as news");
    const kept = await page.evaluate(async () => {
      const all = [JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })];
      for (const { name } of await indexedDB.databases()) {
        const database = await new Promise((resolve, reject) => {
          const opening = indexedDB.open(name);
          opening.onsuccess = () => resolve(opening.result);
          opening.onerror = reject;
        });
        for (const store of database.objectStoreNames)
          all.push(
            await new Promise((resolve, reject) => {
              const reading = database.transaction(store).objectStore(store).getAll();
              reading.onsuccess = () => resolve(JSON.stringify(reading.result));
              reading.onerror = reject;
            }),
          );
        database.close();
      }
      return all.join("\n");
    });
    must(!kept.includes("key-0123456789"), "the key is kept on this device");
    await openai.click();
    const hold = await page.getByTestId("key-remove").boundingBox();
    await page.mouse.move(hold.x + hold.width / 2, hold.y + hold.height / 2);
    await page.mouse.down();
    await page.getByTestId("key-done").waitFor();
    await page.mouse.up();
    await page.keyboard.press("Escape");
    await openai.filter({ hasText: "No key" }).waitFor();
  });
  walk("a key that another device set is told on every screen until it was seen", "/", "rich", async (page) => {
    await page.getByRole("heading", { name: "Inbox" }).waitFor();
    must((await page.getByTestId("key-notice").count()) === 0, "how things are found is told as news");
    await stored(page, "values", ["anthropic"]);
    await page.evaluate(() => globalThis.mock.setKey("google", "Old phone"));
    const notice = page.getByTestId("key-notice");
    await notice.filter({ hasText: "“Old phone” set the Google key" }).waitFor();
    await page.getByRole("link", { name: "You", exact: true }).click();
    await notice.waitFor();
    await page.getByTestId("key-notice-seen").click();
    await notice.waitFor({ state: "detached" });
  });
  walk("speak Chinese, all of it, and keep it", "/", "rich", async (page) => {
    await page.evaluate(() => localStorage.setItem("pocketcoder-language", "zh-Hans"));
    await page.reload();
    await page.getByRole("heading", { name: "收件箱" }).waitFor();
    must((await page.evaluate(() => document.documentElement.lang)) === "zh-Hans", "the page says another language");
    for (const path of ["/sessions", "/you"]) {
      await page.goto(new URL(`${path}?mock=rich`, page.url()).href);
      await page.locator("h1").first().waitFor();
      must(/\p{Script=Han}/u.test(await page.locator("h1").first().innerText()), `${path} speaks another language`);
    }
  });
  walk("choose an accent, which never colours what allows", "/you", "rich", async (page) => {
    const colour = (locator, of) => locator.evaluate((one, of) => getComputedStyle(one)[of], of);
    const tab = page.locator('nav a[aria-current="page"]');
    const before = await colour(tab, "color");
    await page.getByTestId("accent-violet").check({ force: true });
    await page.waitForFunction(() => document.documentElement.dataset.accent === "violet");
    const violet = await colour(tab, "color");
    must(violet !== before, "the accent is not to be seen");
    await page.reload();
    must((await colour(tab, "color")) === violet, "not kept");
    const allow = async () => {
      await page.goto(new URL("/approvals/0198c1d0-0000-7000-8000-0000000000c9?mock=rich", page.url()).href);
      return colour(page.getByTestId("allow-once"), "backgroundColor");
    };
    const chosen = await allow();
    await page.evaluate(() => localStorage.removeItem("pocketcoder-accent"));
    must((await allow()) === chosen, "allow has another colour");
  });
}
