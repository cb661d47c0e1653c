import type { DecisionVerdict } from "$lib/protocol/generated";
import type { PushWords } from "$lib/strings/push";
import type { Outcome } from "./decide";
import { type Asked, type NotificationData, quietCard, show } from "./show";
import type { Shelf, Shown, Windows } from "./surroundings";

/** What a tap needs of the worker. */
export interface Hand {
  readonly machineId: string;
  readonly shelf: Shelf;
  readonly windows: Windows;
  readonly words: PushWords;
  readonly lang: string;
  decide(asked: Asked, verdict: DecisionVerdict): Promise<Outcome>;
}

const PATH = /^\/(?:(?:approvals|sessions)\/[\w-]{1,64})?$/;
/** Decisions under way, by their approval: a second press does nothing. */
const under = new Set<string>();

/** A tap on a notification goes where it leads; a press on one of its buttons decides. */
export async function tapped(shown: Shown, action: string, hand: Hand): Promise<void> {
  shown.close();
  const data = (shown.data ?? {}) as Partial<NotificationData>;
  const { asked } = data;
  if ((action === "allow" || action === "deny") && asked) await decided(shown, asked, action, hand);
  else await open(`/m/${hand.machineId}${typeof data.path === "string" && PATH.test(data.path) ? data.path : "/"}`, hand);
}

/**
 * The result takes the notification's place. It says what the machine said, or that it said nothing: a decision that was not heard of must not look like one that
 * was.
 */
async function decided(shown: Shown, asked: Asked, verdict: DecisionVerdict, hand: Hand): Promise<void> {
  if (under.has(asked.approvalId)) return;
  under.add(asked.approvalId);
  const { words, shelf, machineId, lang } = hand;
  const about = (shown.data as Partial<NotificationData>).about ?? "";
  const what = [asked.what ?? "", about].filter((line) => line !== "").join("\n");
  const tell = (title: string, body: string, sound: boolean): Promise<void> =>
    show(shelf, quietCard(machineId, title, body, shown.tag, `/approvals/${asked.approvalId}`, about, lang, sound));
  try {
    await tell(words.sending[verdict], `${words.sendingHow}\n${what}`, false);
    const outcome = await hand.decide(asked, verdict).catch((): Outcome => ({ kind: "unreachable" }));
    if (outcome.kind === "recorded") await tell(words.recorded[verdict], what, false);
    else await tell(words.decided[verdict], `${reasonOf(outcome, words)}\n${what}`, true);
    if (outcome.kind === "unanswered") await resend(hand);
  } finally {
    under.delete(asked.approvalId);
  }
}

function reasonOf(outcome: Exclude<Outcome, { kind: "recorded" }>, words: PushWords): string {
  return outcome.kind === "refused" ? words.why.refused(outcome.code) : words.why[outcome.kind];
}

/** An open page has its outbox in memory: it is told that something was put there. */
async function resend({ windows, machineId }: Hand): Promise<void> {
  for (const page of await windows.matchAll({ type: "window", includeUncontrolled: true })) page.postMessage({ resend: machineId });
}

/** An open page goes there without being loaded anew; without one, a page is opened there. */
async function open(path: string, { windows }: Hand): Promise<void> {
  // Of all tabs of this origin those with the app: the licences are plain text and hear nothing.
  const pages = (await windows.matchAll({ type: "window", includeUncontrolled: true })).filter(
    (one) => new URL(one.url).pathname !== "/licences.txt",
  );
  const page = pages.find((one) => one.focused) ?? pages.find((one) => one.visibilityState === "visible") ?? pages[0];
  if (!page) {
    await windows.openWindow(path);
    return;
  }
  page.postMessage({ open: path });
  await page.focus().catch(() => undefined); // refused without a tap of a person; the page is where it should be all the same
}
