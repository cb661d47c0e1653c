import { scopeOf } from "./kept";
import { readSubscription, type Subscribed, subscribeWith } from "./subscribed";

/** What this browser can do about notifications, and does. Tests stand in for it. */
export interface PushBrowser {
  /** `install`: only once the app is on the home screen (iPhone and iPad). */
  readonly support: "yes" | "install" | "no";
  permission(): NotificationPermission;
  /** Asks the person: after a tap only. */
  ask(): Promise<NotificationPermission>;
  /** What it is subscribed to for a machine; null: nothing. */
  current(machineId: string): Promise<Subscribed | null>;
  /** @throws Error in the browser's words: its push service can't be reached, or refused */
  subscribe(machineId: string, key: string): Promise<Subscribed>;
  /** Ends the subscription and the worker of a machine, and takes its notifications away. */
  drop(machineId: string): Promise<void>;
  /** The device's time zone, by its IANA name. */
  timeZone(): string;
}

export function pushBrowser(): PushBrowser {
  return {
    support: supportOf(),
    permission: () => Notification.permission,
    ask: () => Notification.requestPermission(),
    current: async (machineId) => {
      const subscription = await (await registered(machineId))?.pushManager.getSubscription();
      return subscription ? readSubscription(subscription) : null;
    },
    subscribe: async (machineId, key) => {
      const registration = await register(machineId);
      const given = readSubscription(await subscribeWith(registration.pushManager, key));
      if (!given) throw new Error("the browser gave no keys");
      return given;
    },
    drop: async (machineId) => {
      const registration = await registered(machineId);
      if (!registration) return;
      for (const shown of await registration.getNotifications()) shown.close();
      await (await registration.pushManager.getSubscription())?.unsubscribe();
      await registration.unregister();
    },
    timeZone: () => Intl.DateTimeFormat().resolvedOptions().timeZone,
  };
}

/** Looks for a newer worker of a machine's notifications; it takes over by itself. */
export async function refreshWorker(machineId: string): Promise<void> {
  await (await registered(machineId))?.update();
}

/** Takes away a machine's notifications of approvals that wait no more, and of what counted them. */
export async function sweep(machineId: string, waits: (approvalId: string) => boolean, any: boolean): Promise<void> {
  for (const registration of await navigator.serviceWorker.getRegistrations())
    for (const shown of await registration.getNotifications()) {
      const [kind, machine, id] = shown.tag.split("/");
      if (machine !== machineId) continue;
      const over = kind === "settled" || (kind === "digest" && !any) || (kind === "approval" && !waits(id ?? ""));
      if (over) shown.close();
    }
}

function supportOf(): PushBrowser["support"] {
  if ("serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis) return "yes";
  // An iPad says that it is a Mac, and has a finger.
  const apple = /iPhone|iPad|iPod/.test(navigator.userAgent) || (/Macintosh/.test(navigator.userAgent) && navigator.maxTouchPoints > 1);
  return apple && isSecureContext ? "install" : "no";
}

/** Not the worker of the page, which a browser gives for any address beneath its own. */
async function registered(machineId: string): Promise<ServiceWorkerRegistration | null> {
  const scope = scopeOf(machineId);
  const found = await navigator.serviceWorker.getRegistration(scope);
  return found && new URL(found.scope).pathname === scope ? found : null;
}

async function register(machineId: string): Promise<ServiceWorkerRegistration> {
  const registration = await navigator.serviceWorker.register("/push.js", { scope: scopeOf(machineId), updateViaCache: "none" });
  const coming = registration.installing ?? registration.waiting;
  if (registration.active || !coming) return registration;
  await new Promise<void>((resolve, reject) =>
    coming.addEventListener("statechange", () => {
      if (coming.state === "activated") resolve();
      else if (coming.state === "redundant") reject(new Error("the worker of notifications could not be installed"));
    }),
  );
  return registration;
}
