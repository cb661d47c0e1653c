import { describe, expect, it } from "vitest";
import { LETTER_TEXT_BYTES } from "../channel/letter";
import { uuid7 } from "../ids/uuid7";
import type { Door, Letterbox } from "../link/door";
import { Database } from "../storage/database";
import { leaveAll, withdraw } from "./letters";
import { type NewItem, Outbox, waiting } from "./outbox";

const DAY_MS = 86_400_000;

interface Left {
  readonly machine: string;
  readonly id: string;
  readonly endsAt: number;
  readonly said: {
    readonly v: number;
    readonly type: string;
    readonly requestId: string;
    readonly until: string;
    readonly payload: unknown;
  };
}

function world(): { outbox: Outbox; left: Left[]; box: Letterbox; leave(away?: () => boolean): Promise<void>; full: { after: number } } {
  const outbox = new Outbox({
    database: new Database(`letters-${uuid7()}`).of("m"),
    machineId: "m",
    request: () => Promise.reject(new Error("offline")),
    recorded: () => undefined,
    refused: () => undefined,
    changed: () => undefined,
  });
  const left: Left[] = [];
  const full = { after: Infinity };
  const box: Letterbox = {
    leave: async (machine, id, endsAt, letter) => {
      if (left.length >= full.after) throw new Error("too_many");
      left.push({ machine, id, endsAt, said: JSON.parse(new TextDecoder().decode(letter).slice(1)) as Left["said"] });
    },
    withdraw: async (id) => {
      const at = left.findIndex((one) => one.id === id);
      if (at >= 0) left.splice(at, 1);
      return at >= 0;
    },
  };
  // Sealed as far as this test goes: with a byte in front.
  const door = { sealLetter: async (_: string, text: Uint8Array) => Uint8Array.of(5, ...text) } as unknown as Door;
  return { outbox, left, box, full, leave: (away = () => true) => leaveAll("m", outbox, door, box, away) };
}

const prompt = (content: string, agentSessionId = "s1", attachments?: string[]): [string, NewItem] => {
  const promptId = uuid7();
  return [promptId, { type: "agent_message", payload: { agentSessionId, promptId, content, ...(attachments ? { attachments } : {}) } }];
};

describe("letters", () => {
  it("are the prompts that wait, in order, once, as requests that hold for a week", async () => {
    const { outbox, left, leave } = world();
    const [one, two] = [prompt("one"), prompt("two")];
    await outbox.add(...one);
    await leave();
    await outbox.add(...two);
    await leave();
    await leave();
    expect(left.map(({ machine, id, said }) => [machine, id, said])).toEqual(
      [one, two].map(([id, item], at) => [
        "m",
        id,
        { v: 1, type: "agent_message", requestId: id, until: new Date(left[at]!.endsAt).toISOString(), payload: item.payload },
      ]),
    );
    const item = outbox.items[0]!;
    expect([item.state, item.leftUntil, left[0]!.endsAt]).toEqual(["saved", item.createdAt + 7 * DAY_MS, item.createdAt + 7 * DAY_MS]);
    // They don't wait to be sent any more, unless the gateway has thrown them away meanwhile.
    expect([waiting(outbox.items), waiting(outbox.items, item.leftUntil! + DAY_MS)]).toEqual([0, 2]);
  });

  it("are no decisions, nothing with files, nothing too long, and nothing behind what can't be left in its session", async () => {
    const { outbox, left, leave } = world();
    const decisionId = uuid7();
    await outbox.add(decisionId, {
      type: "agent_prompt_response",
      payload: { approvalId: "a", decisionId, verdict: "allow", scope: "once", digest: "d", signature: "s" },
    });
    await outbox.add(...prompt("with a picture", "s1", ["f"]));
    await outbox.add(...prompt("what is on it?", "s1"));
    await outbox.add(...prompt("x".repeat(LETTER_TEXT_BYTES), "s2"));
    await outbox.add(...prompt("and then", "s2"));
    await outbox.add(...prompt("by itself", "s3"));
    await leave();
    expect(left.map(({ said }) => (said.payload as { content: string }).content)).toEqual(["by itself"]);
  });

  it("stop when the machine is back, and when the gateway takes no more, without a loss", async () => {
    const { outbox, left, full, leave } = world();
    for (const text of ["one", "two", "three"]) await outbox.add(...prompt(text));
    let more = 1;
    await leave(() => more-- > 0);
    expect(left).toHaveLength(1);
    full.after = 2;
    await expect(leave()).rejects.toThrow("too_many");
    full.after = 3;
    await leave();
    expect([left.length, outbox.items.length]).toEqual([3, 3]);
  });

  it("are taken back unless the machine has them", async () => {
    const { outbox, left, box, leave } = world();
    await outbox.add(...prompt("one"));
    await leave();
    const item = outbox.items[0]!;
    expect(await withdraw(item, box)).toBe(true);
    expect(left).toEqual([]);
    expect(await withdraw(item, box)).toBe(false);
    expect(await withdraw({ ...item, leftUntil: Date.now() - 1 }, box)).toBe(true); // it has ended, so nobody runs it
  });
});
