import type { Workspace } from "../stores/workspace.svelte";
import { Notifications } from "./notifications.svelte";

const made = new WeakMap<Workspace, Notifications>();

/** The one of a machine, for its screen and for what attends to it. */
export function notificationsOf(workspace: Workspace): Notifications {
  let one = made.get(workspace);
  if (!one) {
    one = new Notifications(workspace.client, workspace.storage, workspace.machineId);
    made.set(workspace, one);
  }
  return one;
}
