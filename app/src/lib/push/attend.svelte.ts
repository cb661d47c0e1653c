import { told } from "../stores/notify";
import type { Workspace } from "../stores/workspace.svelte";
import { pushBrowser, refreshWorker, sweep } from "./browser";
import { keepLanguage } from "./kept";
import { notificationsOf } from "./of";
import { Presence } from "./presence";

/**
 * What the app does about notifications while it is open: says whether it is looked at, compares the subscription once a start, takes away what is over. Returns what
 * ends that.
 */
export function attend(workspace: Workspace): () => void {
  const notifications = notificationsOf(workspace);
  const presence = new Presence((visible) => workspace.client.request("presence", { visible }));
  const { machineId } = workspace;
  let checked = false;
  let swept = false;
  void keepLanguage(workspace.storage, document.documentElement.lang).catch(() => undefined);
  const end = $effect.root(() => {
    $effect(() => {
      if (!workspace.online) {
        presence.disconnected();
        return;
      }
      presence.connected();
      if (checked) return;
      checked = true;
      void notifications.check().then(() => refreshWorker(machineId).catch(() => undefined)); // offline: the next start looks
    });
    $effect(() => {
      if (notifications.phase === "on") told.byMachine.add(machineId);
      else told.byMachine.delete(machineId);
    });
    $effect(() => {
      if (!workspace.loaded || swept || notifications.phase === "unsupported" || notifications.phase === "install") return;
      swept = true;
      const waits = new Set(workspace.pending.map((approval) => approval.approvalId));
      void sweep(machineId, (approvalId) => waits.has(approvalId), waits.size > 0).catch(() => undefined);
    });
  });
  return () => {
    end();
    presence.stop();
    told.byMachine.delete(machineId);
  };
}

/** This device forgets the machine: nothing may be shown of it any more. What the machine still sends arrives nowhere. */
export async function dropNotifications(machineId: string): Promise<void> {
  const browser = pushBrowser();
  if (browser.support === "yes") await browser.drop(machineId);
}
