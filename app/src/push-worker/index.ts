/**
 * The worker of one machine's notifications (docs/push.md): shows what the machine sends and decides by a notification's buttons. It is a file of its own beside the
 * one that makes the app open offline, because a browser gives a subscription to each registration, and each machine has its own.
 */
import { keptLanguageWithin, machineOfScope } from "$lib/push/kept";
import { Database } from "$lib/storage/database";
import { push as english } from "$lib/strings/push";
import { push as chinese } from "$lib/strings/zh/push";
import { decide } from "./decide";
import { workerDoor } from "./door";
import { receive } from "./receive";
import { renew } from "./renew";
import type { Shelf, Shown, Windows } from "./surroundings";
import { tapped } from "./tapped";

interface Extended extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Worker extends EventTarget {
  readonly registration: Shelf & { readonly scope: string; readonly pushManager: PushManager };
  readonly clients: Windows & { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}

const worker = globalThis as unknown as Worker;
const machineId = machineOfScope(worker.registration.scope) ?? "";
/** What was kept before there were several machines is this one's: it is the only one that was paired then. */
const storage = new Database(undefined, machineId).of(machineId);
const app = `app/${__APP_VERSION__}`;
/** For an errand to the machine: browsers end a worker that works for longer than half a minute after a tap. */
const ERRAND_MS = 25_000;
const AGAIN_MS = 2_000;
/** A browser takes the subscription away from one who shows nothing. */
const LANGUAGE_MS = 2_000;

async function spoken(): Promise<{ words: typeof english; lang: string }> {
  const lang = await keptLanguageWithin(storage, LANGUAGE_MS);
  return lang === "zh-Hans" ? { words: chinese, lang } : { words: english, lang: "en" };
}

function badge(count: number): void {
  if (!("setAppBadge" in navigator)) return;
  void (count > 0 ? navigator.setAppBadge(count) : navigator.clearAppBadge()).catch(() => undefined); // a browser that shows none
}

worker.addEventListener("install", () => void worker.skipWaiting());

worker.addEventListener("push", (event) => {
  const { data } = event as Event & { readonly data: { text(): string } | null };
  const text = data?.text() ?? null;
  const work = async (): Promise<void> => receive(text, { machineId, shelf: worker.registration, badge, ...(await spoken()) });
  (event as Extended).waitUntil(work());
});

worker.addEventListener("notificationclick", (event) => {
  const { notification, action } = event as Event & { readonly notification: Shown; readonly action: string };
  const work = async (): Promise<void> => {
    await tapped(notification, action, {
      machineId,
      shelf: worker.registration,
      windows: worker.clients,
      ...(await spoken()),
      decide: async (asked, verdict) => {
        const door = await workerDoor(machineId);
        return door ? decide(asked, verdict, { door, storage, app, limitMs: ERRAND_MS, againMs: AGAIN_MS }) : { kind: "may_not" };
      },
    });
  };
  (event as Extended).waitUntil(work());
});

worker.addEventListener("pushsubscriptionchange", (event) => {
  const { newSubscription = null } = event as Event & { readonly newSubscription?: PushSubscription | null };
  const work = async (): Promise<void> => {
    const door = await workerDoor(machineId);
    if (door) await renew(newSubscription, worker.registration.pushManager, { door, storage, app, limitMs: ERRAND_MS });
  };
  (event as Extended).waitUntil(work());
});
