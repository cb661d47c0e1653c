import { LETTER_TEXT_BYTES } from "../channel/letter";
import type { Door, Letterbox } from "../link/door";
import { Limits } from "../protocol/generated";
import { type Outbox, type OutboxItem, sessionOf } from "./outbox";

/**
 * Leaves the prompts that wait in the outbox at the gateway while the machine is away, each sealed for the machine: so they run when it is back, with this device
 * switched off. They stay in the outbox, and go out from there, too: the machine knows by their ids what it has. Decisions are never left. A part of the app of its
 * own, fetched when a machine is away.
 */

const LIFE_MS = Limits.letterDays * 86_400_000;

/** Leaves one after the other, as long as `away` says so. @throws what the gateway refuses with: then to be tried again later */
export async function leaveAll(machineId: string, outbox: Outbox, door: Door, box: Letterbox, away: () => boolean): Promise<void> {
  for (let next = nextOf(outbox.items); next !== null && away(); next = nextOf(outbox.items)) {
    const { id, createdAt } = next.item;
    const until = createdAt + LIFE_MS;
    await box.leave(machineId, id, until, await door.sealLetter(machineId, next.text));
    await outbox.left(id, until);
  }
}

/** Takes a letter back. False: the machine has it already. @throws what the gateway refuses with: then nobody knows */
export async function withdraw(item: OutboxItem, box: Letterbox): Promise<boolean> {
  return (await box.withdraw(item.id)) || (item.leftUntil ?? 0) < Date.now();
}

/** The first that is to be left, with what its letter says. Behind one of its session that can't be left, none is. */
function nextOf(items: readonly OutboxItem[]): { readonly item: OutboxItem; readonly text: Uint8Array<ArrayBuffer> } | null {
  const held = new Set<string | null>();
  for (const item of items) {
    const session = sessionOf(item);
    if (item.type === "letters_withdraw" || item.leftUntil !== undefined || held.has(session)) continue;
    const text = textOf(item);
    if (text !== null) return { item, text };
    held.add(session);
  }
  return null;
}

/** Null: it can't be left. A prompt whose files are not on the machine would go without them. */
function textOf({ type, state, payload, id, createdAt }: OutboxItem): Uint8Array<ArrayBuffer> | null {
  if (type !== "agent_message" && type !== "agent_session_new") return null;
  if (state === "refused" || ("attachments" in payload && payload.attachments?.length) || createdAt + LIFE_MS <= Date.now()) return null;
  const until = new Date(createdAt + LIFE_MS).toISOString();
  const text = new TextEncoder().encode(JSON.stringify({ v: 1, type, requestId: id, until, payload }));
  return text.length <= LETTER_TEXT_BYTES ? text : null;
}
