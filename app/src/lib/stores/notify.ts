import type { ApprovalInfo } from "../protocol/generated";
import { parsePlace, pathOf, type Place } from "../router/router.svelte";
import { t } from "../strings";
import { escapeToText } from "../text/escape";
import { wants } from "../text/words";

/** What a notification says and where it leads. */
export interface Notice {
  readonly title: string;
  readonly body: string;
  /** One notification an approval: a later one does not take its place, and it goes when it is decided. */
  readonly tag: string;
  /** The machine that it is of, and the address there. */
  readonly machine: string;
  readonly path: string;
}

/** The names that people gave, where they are known. */
export interface Names {
  readonly agent: string;
  readonly session: string | null;
  readonly project: string | null;
  /** The machine's, where there are several. */
  readonly machine: string | null;
}

/** Longest name shown; a title can be a whole prompt. */
const NAME_LIMIT = 60;
/** More at once (the machine came back after an hour) are one notification that counts the others. */
const MOST_AT_ONCE = 3;

/**
 * What to show for approvals that are new. Kind of request, session and project only: a locked phone shows notifications to whoever holds it, so nothing of the
 * command, the file or the question is in them.
 */
export function noticesFor(
  machineId: string,
  fresh: readonly ApprovalInfo[],
  waiting: number,
  names: (approval: ApprovalInfo) => Names,
): Notice[] {
  const shown = fresh.length > MOST_AT_ONCE ? fresh.slice(0, 1) : fresh;
  return shown.map((approval) => {
    const { agent, session, project, machine } = names(approval);
    const others = waiting - shown.length;
    const where = [machine, session, project].filter((name) => name !== null && name !== "").map((name) => shortened(name ?? ""));
    return {
      title: wants(approval, shortened(agent)),
      body: [...where, ...(others > 0 ? [t.inbox.others(others)] : [])].join(" · "),
      tag: tagOf(machineId, approval.approvalId),
      machine: machineId,
      path: pathOf({ name: "inbox", approvalId: approval.approvalId }),
    };
  });
}

/** The machines that notify this device themselves (lib/push): of those the page says nothing, or all would be said twice. */
export const told = { byMachine: new Set<string>() };

/** Tells a person whose page is in the background. */
export function notify(notices: readonly Notice[]): void {
  if (document.visibilityState === "visible" || !("Notification" in globalThis) || Notification.permission !== "granted") return;
  withWorker(async (registration) => {
    for (const { title, body, tag, machine, path } of notices.filter((notice) => !told.byMachine.has(notice.machine))) {
      // `renotify` is missing in TypeScript's library. Without it a second notification under a tag makes no sound.
      await registration.showNotification(title, {
        body,
        tag,
        renotify: true,
        icon: "/icon-192.png",
        data: { machine, path },
      } as NotificationOptions);
    }
  });
}

/** Takes back the notifications of approvals that wait no more: a tap on one would lead to what is over. */
export function unnotify(machineId: string, approvalIds: readonly string[]): void {
  if (approvalIds.length === 0 || !("Notification" in globalThis) || Notification.permission !== "granted") return;
  withWorker(async () => {
    // Those of the machine's own worker, too.
    for (const registration of await navigator.serviceWorker.getRegistrations())
      for (const approvalId of approvalIds)
        for (const shown of await registration.getNotifications({ tag: tagOf(machineId, approvalId) })) shown.close();
  });
}

/**
 * Goes where a tapped notification leads, as a worker tells it; `resend`: a decision on this machine that was made in a notification waits in the outbox. Returns
 * what ends that.
 */
export function onTapped(go: (place: Place) => void, resend: (machineId: string) => void): () => void {
  const worker = navigator.serviceWorker as ServiceWorkerContainer | undefined; // missing without HTTPS
  if (!worker) return () => undefined;
  const heard = (event: MessageEvent<unknown>): void => {
    const { data } = event;
    if (typeof data !== "object" || data === null) return;
    if ("open" in data && typeof data.open === "string") go(parsePlace(data.open));
    else if ("resend" in data && typeof data.resend === "string") resend(data.resend);
  };
  worker.addEventListener("message", heard);
  worker.startMessages();
  return () => worker.removeEventListener("message", heard);
}

function withWorker(work: (registration: ServiceWorkerRegistration) => Promise<void>): void {
  // Without a worker there is no notification; the inbox counts anyway.
  navigator.serviceWorker?.ready.then(work).catch(() => undefined);
}

/** With the machine: an id is a machine's own word, and must not close what another one said. */
function tagOf(machineId: string, approvalId: string): string {
  return `approval/${machineId}/${approvalId}`;
}

/** Titles come from agents: what can't be seen is marked, as everywhere. */
function shortened(name: string): string {
  const text = escapeToText(name.split("\n")[0] ?? "");
  return text.length > NAME_LIMIT ? `${text.slice(0, NAME_LIMIT - 1)}…` : text;
}
