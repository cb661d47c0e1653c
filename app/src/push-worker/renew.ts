import { keepPush, keptPush } from "$lib/push/kept";
import { readSubscription, subscribeWith } from "$lib/push/subscribed";
import type { MachineStorage } from "$lib/storage/database";
import type { WorkerDoor } from "./door";
import { Line } from "./line";

/**
 * The browser replaced the subscription or took it away: the machine is told the new one. What fails here is mended by the app when it starts next, which compares the
 * two.
 */
export async function renew(
  given: PushSubscription | null,
  manager: PushManager,
  { door, storage, app, limitMs }: { door: WorkerDoor; storage: MachineStorage; app: string; limitMs: number },
): Promise<void> {
  if (!(await keptPush(storage))) return; // they are off
  const line = new Line(door, app, limitMs);
  try {
    await line.ready();
    const { push } = await line.request("push_settings_get", {});
    const now = given && readSubscription(given)?.key === push.key ? given : await subscribeWith(manager, push.key);
    const told = readSubscription(now);
    if (!told) return;
    await line.request("push_subscribe", { endpoint: told.endpoint, p256dh: told.p256dh, auth: told.auth });
    await keepPush(storage, { endpoint: told.endpoint });
  } finally {
    line.close();
  }
}
