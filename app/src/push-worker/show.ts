import { asks, type Notice } from "$lib/push/notice";
import type { PushWords } from "$lib/strings/push";
import { escapeToText } from "$lib/text/escape";
import type { Shelf, ShowOptions } from "./surroundings";

/** What is decided on by a notification's button: just what was shown. */
export interface Asked {
  readonly approvalId: string;
  readonly agentSessionId: string | null;
  readonly digest: string;
  /** It may be allowed here, because `what`, `folder`, `tier` and `sandbox` are all of it, and all of it was shown. */
  readonly whole: boolean;
  readonly what: string | null;
  readonly folder: string | null;
  readonly tier: string | null;
  readonly sandbox: string | null;
}

/** What a notification knows of itself when it is tapped. It was written by this worker alone. */
export interface NotificationData {
  readonly machine: string;
  readonly path: string;
  readonly asked: Asked | null;
  /** What it was about, for what takes its place. */
  readonly about: string;
}

/** A notification that is ready to be shown. */
export interface Card {
  readonly title: string;
  readonly options: ShowOptions;
}

const ICON = "/icon-192.png";

/** What one notice is shown as; null: as nothing of its own (settled ones take others away). */
export function cardOf(notice: Notice, words: PushWords, lang: string): Card {
  const { kind, machineId, approvalId, agentSessionId } = notice;
  const names = [notice.session, notice.project, notice.machine].map((name) => safe(name ?? "")).filter((name) => name !== "");
  const about = names.join(" · ");
  const at = Date.parse(notice.at);
  const card = (
    title: string,
    lines: readonly string[],
    path: string,
    more: Partial<ShowOptions> = {},
    asked: Asked | null = null,
  ): Card => ({
    title,
    options: {
      body: lines.filter((line) => line !== "").join("\n"),
      tag: ownTag(notice.tag, machineId),
      icon: ICON,
      lang,
      silent: false,
      renotify: true,
      timestamp: Number.isNaN(at) ? Date.now() : at,
      actions: [],
      data: { machine: machineId, path, asked, about } satisfies NotificationData,
      ...more,
    },
  });
  const others = (mine: number): string => (notice.waiting > mine ? words.others(notice.waiting - mine) : "");
  if (asks(kind) && approvalId !== null) {
    const asked = askedOf(notice);
    const risk = [notice.tier ? words.tiers[notice.tier] : "", notice.sandbox ? words.sandboxes[notice.sandbox] : ""];
    return card(
      words.asks[kind] ?? words.app,
      [
        safe(notice.what ?? ""),
        asked?.whole === true && notice.folder !== null ? words.folder(notice.folder) : "",
        kind === "question" || kind === "plan" ? "" : risk.filter((word) => word !== "").join(", "),
        about,
        others(1),
      ],
      `/approvals/${approvalId}`,
      { actions: actionsOf(notice, asked, words) },
      asked,
    );
  }
  if (kind === "task_complete" || kind === "task_error")
    return card(
      kind === "task_complete" ? words.done : words.failed,
      [about, others(0)],
      agentSessionId ? `/sessions/${agentSessionId}` : "/",
    );
  if (kind === "digest") return card(words.waiting(notice.waiting), [about], "/");
  return card(words.test, [words.from(safe(notice.machine))], "/");
}

/** For what can't be read: a browser that lets this worker be woken wants something shown each time. */
export function genericCard(machineId: string, words: PushWords, lang: string): Card {
  return quietCard(machineId, words.app, words.generic, ownTag("generic", machineId), "/", words.app, lang, true);
}

/** A notification without a sound or a button, about what became of something. */
export function quietCard(
  machine: string,
  title: string,
  body: string,
  tag: string,
  path: string,
  about: string,
  lang: string,
  sound = false,
): Card {
  return {
    title,
    options: {
      body,
      tag,
      icon: ICON,
      lang,
      silent: !sound,
      renotify: sound,
      timestamp: Date.now(),
      actions: [],
      data: { machine, path, asked: null, about } satisfies NotificationData,
    },
  };
}

export async function show(shelf: Shelf, card: Card): Promise<void> {
  await shelf.showNotification(card.title, card.options);
}

/** A notice's tag with its machine: as the page has it, and never another machine's. */
export function ownTag(tag: string, machineId: string): string {
  const [kind = "", ...rest] = tag.split("/");
  return [kind, machineId, ...rest].join("/");
}

function askedOf(notice: Notice): Asked | null {
  const { approvalId, agentSessionId, digest, what, folder, tier, sandbox } = notice;
  if (approvalId === null || digest === null) return null;
  const whole = notice.whole && notice.kind === "permission" && what !== null && folder !== null && tier !== null && sandbox !== null;
  // Whole means that every character of it is shown as it is: a line that has to be marked is not.
  return {
    approvalId,
    agentSessionId,
    digest,
    whole: whole && safe(what) === what && safe(folder) === folder,
    what,
    folder,
    tier,
    sandbox,
  };
}

function actionsOf(notice: Notice, asked: Asked | null, words: PushWords): ShowOptions["actions"] {
  if (asked === null || !notice.denies || notice.kind === "question" || notice.kind === "plan") return [];
  const deny = { action: "deny", title: words.actions.deny } as const;
  return asked.whole ? [deny, { action: "allow", title: words.actions.allow }] : [deny];
}

/** Names and lines come from agents: what can't be seen is marked, as everywhere. */
function safe(text: string): string {
  return escapeToText(text);
}
