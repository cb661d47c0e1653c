import { type Notice, readNotice } from "$lib/push/notice";
import type { PushWords } from "$lib/strings/push";
import { cardOf, genericCard, type NotificationData, ownTag, quietCard, show } from "./show";
import type { Shelf } from "./surroundings";

/** Where a message arrives. */
export interface Room {
  readonly machineId: string;
  readonly shelf: Shelf;
  readonly words: PushWords;
  readonly lang: string;
  /** The number on the app's icon; 0 takes it away. */
  badge(count: number): void;
}

/** Shows what came by the push service. Something is shown each time: a browser that sees nothing takes the subscription away. */
export async function receive(text: string | null, room: Room): Promise<void> {
  const { machineId, shelf, words, lang } = room;
  const notice = readNotice(text, machineId);
  if (notice === null) {
    await show(shelf, genericCard(machineId, words, lang));
    return;
  }
  if (notice.kind !== "test") room.badge(notice.waiting);
  if (notice.kind === "settled") await settle(notice, room);
  else await show(shelf, cardOf(notice, words, lang));
}

/**
 * What was told waits no more. Its notification goes, with its buttons, and one without a sound says what became of it: Safari takes the subscription from who shows
 * nothing three times, and Chromium shows a notification of its own. It is one for each machine, so that a busy hour does not fill the screen.
 */
async function settle(notice: Notice, { machineId, shelf, words, lang }: Room): Promise<void> {
  const shown = await shelf.getNotifications({ tag: ownTag(notice.tag, machineId) });
  const about =
    shown.map((one) => (one.data as Partial<NotificationData> | null)?.about ?? "").find((name) => name !== "") ?? notice.machine;
  for (const one of shown) one.close();
  const title = words.outcomes[notice.outcome ?? "over"] ?? words.app;
  const lines = [about, words.elsewhere, notice.waiting > 0 ? words.others(notice.waiting) : ""].filter((line) => line !== "");
  await show(
    shelf,
    quietCard(machineId, title, lines.join("\n"), ownTag("settled", machineId), `/approvals/${notice.approvalId ?? ""}`, about, lang),
  );
}
