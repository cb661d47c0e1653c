import { t } from "../strings";
import { m } from "../strings/machine";
import { clock as timeOfDay } from "../text/time";
import type { Workspace } from "./workspace.svelte";

/** How things stand with the way to a machine, in words. */
export function presence({ link }: Workspace): string {
  return link.kind === "offline" ? t.link.offline(timeOfDay(link.since)) : m.links[link.kind];
}
