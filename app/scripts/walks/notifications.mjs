// Walks of notifications: turning them on and off, and the worker that shows what the machine sends, in the real browser. What decides over the real channel is
// shown with a daemon (PocketCoder.EndToEnd.Tests, NotificationStoryTests).
import { pushService } from "../pages.mjs";

const MACHINE = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
const SCOPE = `/push/${MACHINE}/`;
const PHONE = { width: 390, height: 844 };

/** @param {{ walk: Function, must: Function, S: (n: number) => string, base: string }} tools */
export function notifications({ walk, must, S, base }) {
  walk("turn notifications on, say what is told, try them, turn them off", "/you", "rich", async (page) => {
    await pushService(page);
    const phase = (name) => page.locator(`[data-testid="notifications"][data-phase="${name}"]`).waitFor();
    await page.locator('a[href="/you/notifications"]').click();
    await phase("off");
    must((await page.getByTestId("notify-details").count()) === 0, "settings of what is off");
    await page.getByTestId("notifications-on").click();
    await phase("on");
    await page.getByTestId("notify-details").check();
    await page.getByTestId("notify-question").uncheck();
    await page.getByTestId("notify-after").selectOption("300");
    await page.getByTestId("notify-quiet").check();
    await page.getByTestId("quiet-from").fill("23:30");
    await page.getByTestId("notifications-test").click();
    await page.getByTestId("notifications-tested").filter({ hasText: "took it" }).waitFor();
    const pushes = () => page.evaluate(() => globalThis.mock.pushes());
    const kept = (await pushes()).findLast(({ type }) => type === "push_settings_set").payload.settings;
    must(
      kept.details && !kept.kinds.includes("question") && kept.kinds.length === 5 && kept.afterSeconds === 300,
      `not as chosen: ${JSON.stringify(kept)}`,
    );
    must(
      kept.quiet.from === "23:30" &&
        kept.quiet.to === "07:00" &&
        kept.quiet.timeZone === (await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone)),
      `other hours: ${JSON.stringify(kept.quiet)}`,
    );
    must((await page.evaluate(() => globalThis.mock.presence())).includes(true), "never said that somebody looks");
    await page.getByTestId("notifications-off").click();
    await phase("off");
    must((await pushes()).at(-1).type === "push_unsubscribe", "the machine still has it");
  });

  walk(
    "what the machine sends is shown, collapsed, taken back, and leads to its decision",
    "/sessions",
    "rich",
    async (page) => {
      await page.waitForFunction(() => Notification.permission === "granted");
      const cdp = await page.context().newCDPSession(page);
      const registrations = new Map();
      cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations: all }) => {
        for (const one of all) registrations.set(new URL(one.scopeURL).pathname, one.registrationId);
      });
      const errors = [];
      cdp.on("ServiceWorker.workerErrorReported", ({ errorMessage }) => errors.push(errorMessage.errorMessage));
      await cdp.send("ServiceWorker.enable");
      await page.evaluate(async (scope) => {
        const registration = await navigator.serviceWorker.register("/push.js", { scope });
        const coming = registration.installing ?? registration.waiting;
        if (!registration.active && coming)
          await new Promise((resolve) => coming.addEventListener("statechange", () => coming.state === "activated" && resolve()));
      }, SCOPE);
      for (let tries = 0; tries < 300 && !registrations.has(SCOPE); tries++) await page.waitForTimeout(100);
      const send = (data) => cdp.send("ServiceWorker.deliverPushMessage", { origin: base, registrationId: registrations.get(SCOPE), data });
      const shown = () =>
        page.evaluate(async (scope) => {
          const registration = await navigator.serviceWorker.getRegistration(scope);
          return (await registration.getNotifications()).map(({ title, body, tag, actions, data }) => ({
            title,
            body,
            tag,
            actions,
            data,
          }));
        }, SCOPE);
      const until = async (is, what) => {
        for (let tries = 0; tries < 300; tries++) {
          const now = await shown();
          if (is(now)) return now;
          await page.waitForTimeout(100);
        }
        throw new Error(`${what}: ${JSON.stringify(await shown())}; errors of the worker: ${JSON.stringify(errors)}`);
      };
      const notice = {
        v: 1,
        machineId: MACHINE,
        machine: "atlas",
        kind: "permission",
        tag: `approval/${S(201)}`,
        waiting: 2,
        at: new Date().toISOString(),
        approvalId: S(201),
        digest: "9f".repeat(32),
        session: "Fix the login",
        project: "api",
        tier: "read",
        sandbox: "bubblewrap",
        what: "git status",
        whole: true,
        folder: "/home/ada/src/api",
        denies: true,
      };
      await send(JSON.stringify(notice));
      const [first] = await until((now) => now.length === 1, "the first one is not shown");
      must(
        first.title === "Approval needed" && first.body.startsWith("git status\nin /home/ada/src/api\n"),
        `says ${JSON.stringify(first)}`,
      );
      must(first.actions.map((one) => one.action).join() === "deny,allow", `offers ${JSON.stringify(first.actions)}`);
      await send(JSON.stringify({ ...notice, waiting: 3 }));
      await until((now) => now.length === 1 && now[0].body.includes("2 more"), "not collapsed");

      const worker = page
        .context()
        .serviceWorkers()
        .find((one) => one.url().endsWith("/push.js"));
      const tap = (action) =>
        worker.evaluate(async (action) => {
          const [notification] = await self.registration.getNotifications();
          self.dispatchEvent(new NotificationEvent("notificationclick", { notification, action }));
        }, action);
      // This device's keys are not paired with the mock: nothing is decided, and it says so.
      await tap("allow");
      await until((now) => now.length === 1 && now[0].title === "Not allowed" && now[0].actions.length === 0, "looks decided");
      await tap("");
      await page.waitForFunction((path) => location.pathname === path, `/approvals/${S(201)}`);
      await until((now) => now.length === 0, "the tapped one stays");

      await send(JSON.stringify(notice));
      await until((now) => now.length === 1, "it is not shown after the tap");
      await send(JSON.stringify({ ...notice, kind: "settled", outcome: "denied", what: null, whole: false, waiting: 0 }));
      await until((now) => now.length === 1 && now[0].title === "Denied" && now[0].body.includes("Fix the login"), "not taken back");
      await send("damaged");
      await until((now) => now.some((one) => one.body.startsWith("Something happened")), "shows nothing");
    },
    PHONE,
    { permissions: ["notifications"] },
  );
}
