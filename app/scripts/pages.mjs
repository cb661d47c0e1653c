// What the scripts wait for in a page. Each waits for a fact, none for a time: a busy machine is slow, not broken.

const LIMIT_MS = 30_000;

/**
 * Until a screen stands: its heading is there, nothing moves, and what it asked for has been drawn. A screen that changes all the time (a clock, a blinking
 * cursor) is taken as it is after five seconds.
 */
export async function settled(page) {
  await page.locator("h1").first().waitFor({ state: "attached", timeout: LIMIT_MS });
  await page.evaluate(
    () =>
      new Promise((resolve) => {
        const QUIET_MS = 250;
        const moves = () =>
          document
            .getAnimations()
            .some((one) => one.playState === "running" && Number.isFinite(one.effect?.getComputedTiming().endTime ?? 0));
        let quiet;
        const done = () => {
          if (moves()) return again();
          watch.disconnect();
          clearTimeout(most);
          resolve();
        };
        const again = () => {
          clearTimeout(quiet);
          quiet = setTimeout(done, QUIET_MS);
        };
        const watch = new MutationObserver(again);
        watch.observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
        const most = setTimeout(() => {
          clearTimeout(quiet);
          watch.disconnect();
          resolve();
        }, 5000);
        again();
      }),
  );
}

/** What `look` finds, asked again until it finds nothing: what stays is a finding, what goes was on its way. */
export async function lasting(look) {
  const end = Date.now() + 5000;
  for (;;) {
    const found = await look();
    if (found.length === 0 || Date.now() > end) return found;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

/** Until each of `texts` is in a row of that store of the app's database, in its key or its value. */
export async function stored(page, store, texts) {
  // Asked again and again: waitForFunction takes a promise for a yes.
  const ask = () =>
    page.evaluate(
      ({ store, texts }) =>
        new Promise((resolve, reject) => {
          const request = indexedDB.open("pocketcoder-app");
          request.onerror = () => reject(request.error);
          request.onsuccess = () => {
            // Asked before the app made its stores: there is nothing yet, and what is open would hold the app up.
            if (!request.result.objectStoreNames.contains(store)) {
              request.result.close();
              resolve(false);
              return;
            }
            const objects = request.result.transaction(store).objectStore(store);
            const keys = objects.getAllKeys();
            const values = objects.getAll();
            values.onsuccess = () => {
              request.result.close();
              const rows = keys.result.map((key, at) => `${key} ${JSON.stringify(values.result[at])}`);
              resolve(texts.every((text) => rows.some((row) => row.includes(text))));
            };
          };
        }),
      { store, texts },
    );
  const end = Date.now() + LIMIT_MS;
  while (!(await ask())) {
    if (Date.now() > end) throw new Error(`not stored: ${texts.join(", ")}`);
    await page.waitForTimeout(50);
  }
}

/** Reads the lists and the open session to their end, and tells the app that it goes into the background: what was read is kept on the device then. */
export async function readBefore(page) {
  await page.getByTestId("transcript").locator(".item").first().waitFor();
  await page.evaluate(() => {
    Object.defineProperty(document, "visibilityState", { configurable: true, get: () => "hidden" });
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await stored(page, "copy", ["state ", "session/"]);
}

/** A browser whose push service gives a subscription to whoever asks, and asks nobody: the real ones are on the internet. */
export function pushService(page) {
  return page.evaluate(() => {
    let answer = "default";
    Object.defineProperty(Notification, "permission", { configurable: true, get: () => answer });
    Notification.requestPermission = async () => (answer = "granted");
    let given = null;
    let number = 0;
    const manager = {
      getSubscription: async () => given,
      subscribe: async (options) =>
        (given = {
          endpoint: `https://push.example/${++number}`,
          getKey: (name) => new Uint8Array(name === "auth" ? 16 : 65).buffer,
          options: { applicationServerKey: options.applicationServerKey.buffer },
          unsubscribe: async () => {
            given = null;
            return true;
          },
        }),
    };
    const worker = navigator.serviceWorker;
    const find = worker.getRegistration.bind(worker);
    const all = new Map();
    worker.register = async (_, { scope }) => {
      const registration = {
        scope: new URL(scope, location.href).href,
        active: {},
        pushManager: manager,
        getNotifications: async () => [],
        unregister: async () => all.delete(scope),
        update: async () => undefined,
      };
      all.set(scope, registration);
      return registration;
    };
    worker.getRegistration = async (path) => all.get(path) ?? find(path);
    worker.getRegistrations = async () => [...all.values()];
  });
}
