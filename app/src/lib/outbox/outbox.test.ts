import { describe, expect, it } from "vitest";
import { settle, until } from "../../../tests/wait";
import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import { Database, type MachineStorage } from "../storage/database";
import { Outbox, type NewItem, type OutboxItem } from "./outbox";

const prompt = (content: string, agentSessionId = "s1"): [string, NewItem] => {
  const promptId = uuid7();
  return [promptId, { type: "agent_message", payload: { agentSessionId, promptId, content } }];
};
const decision = (approvalId: string): [string, NewItem] => {
  const decisionId = uuid7();
  return [
    decisionId,
    { type: "agent_prompt_response", payload: { approvalId, decisionId, verdict: "allow", scope: "once", digest: "d", signature: "s" } },
  ];
};

type Reply = (payload: unknown) => Promise<unknown>;

function world(database = new Database(`outbox-${uuid7()}`).of("m")): {
  database: MachineStorage;
  outbox: Outbox;
  asked: string[];
  recorded: OutboxItem[];
  refused: [OutboxItem, RequestError][];
  reply: { now: Reply };
} {
  const asked: string[] = [];
  const recorded: OutboxItem[] = [];
  const refused: [OutboxItem, RequestError][] = [];
  const reply: { now: Reply } = { now: async () => ({ turn: {} }) };
  const outbox = new Outbox({
    database,
    machineId: "m",
    request: async (_, payload) => {
      asked.push("content" in payload ? payload.content : "approvalId" in payload ? payload.approvalId : "");
      return (await reply.now(payload)) as never;
    },
    recorded: (item) => recorded.push(item),
    refused: (item, error) => refused.push([item, error]),
    changed: () => undefined,
  });
  return { database, outbox, asked, recorded, refused, reply };
}

describe("outbox", () => {
  it("keeps what is written offline and sends it when connected, in order", async () => {
    const { outbox, asked, recorded } = world();
    await outbox.add(...prompt("one"));
    await outbox.add(...prompt("two"));
    expect(outbox.items.map((item) => item.state)).toEqual(["saved", "saved"]);
    outbox.connected();
    await until(() => recorded.length === 2, "both recorded");
    expect(asked).toEqual(["one", "two"]);
    await until(() => outbox.items.length === 0, "the outbox is empty");
  });

  it("survives a restart of the app", async () => {
    const first = world();
    await first.outbox.add(...prompt("kept"));
    const second = world(first.database);
    await second.outbox.load();
    second.outbox.connected();
    await until(() => second.recorded.length === 1, "recorded after the restart");
    await until(() => second.outbox.items.length === 0, "forgotten");
    expect(await first.database.all("outbox")).toEqual([]);
  });

  it("sends the same id again after the connection broke before the answer", async () => {
    const { outbox, reply, recorded, asked } = world();
    const ids: string[] = [];
    reply.now = async (payload) => {
      ids.push((payload as { promptId: string }).promptId);
      throw new RequestError("OFFLINE", "");
    };
    outbox.connected();
    await outbox.add(...prompt("once"));
    await until(() => ids.length === 1, "sent");
    outbox.disconnected();
    await settle();
    expect(outbox.items.map((item) => item.state)).toEqual(["sent"]);
    reply.now = async (payload) => {
      ids.push((payload as { promptId: string }).promptId);
      return { turn: {} };
    };
    outbox.connected();
    await until(() => recorded.length === 1, "recorded");
    expect(ids[0]).toBe(ids[1]);
    expect(asked).toHaveLength(2);
  });

  it("remembers over a restart that something may have arrived already", async () => {
    const first = world();
    first.reply.now = () => new Promise(() => undefined);
    first.outbox.connected();
    const [id, item] = prompt("maybe");
    await first.outbox.add(id, item);
    await until(() => first.asked.length === 1, "sent");
    const second = world(first.database);
    await second.outbox.load();
    expect(second.outbox.items[0]?.state).toBe("sent");
    expect(await second.outbox.discard(id)).toBe(false);
  });

  it("settles a decision that somebody else made first", async () => {
    const { outbox, reply, refused, database } = world();
    reply.now = async () => {
      throw new RequestError("ALREADY_DECIDED", "");
    };
    outbox.connected();
    await outbox.add(...decision("a1"));
    await until(() => refused.length === 1, "refused");
    await until(() => outbox.items.length === 0, "settled");
    await settle();
    expect(await database.all("outbox")).toEqual([]);
  });

  it("keeps a refused prompt, with the reason, until the person decides, and holds up what follows it", async () => {
    const { outbox, reply, asked } = world();
    reply.now = async () => {
      throw new RequestError("DAEMON_BUSY", "full");
    };
    outbox.connected();
    const [id, item] = prompt("full");
    await outbox.add(id, item);
    await until(() => outbox.items[0]?.state === "refused", "refused");
    await outbox.add(...prompt("after"));
    await settle();
    expect(asked).toEqual(["full"]);
    reply.now = async () => ({ turn: {} });
    await outbox.retry(id);
    await until(() => outbox.items.length === 0, "both recorded");
    expect(asked).toEqual(["full", "full", "after"]);
  });

  it("lets a refused prompt be thrown away, and goes on", async () => {
    const { outbox, reply, recorded } = world();
    reply.now = async (payload) => {
      if ((payload as { content: string }).content === "bad") throw new RequestError("INVALID_REQUEST", "");
      return { turn: {} };
    };
    outbox.connected();
    const [id, item] = prompt("bad");
    await outbox.add(id, item);
    await outbox.add(...prompt("good"));
    await until(() => outbox.items[0]?.state === "refused", "refused");
    expect(await outbox.discard(id)).toBe(true);
    await until(() => recorded.length === 1, "the next one went out");
  });

  it("does not make one session wait for another, nor a decision for a prompt", async () => {
    const { outbox, reply, asked } = world();
    reply.now = (payload) =>
      "content" in (payload as object) && (payload as { content: string }).content === "slow"
        ? new Promise(() => undefined)
        : Promise.resolve({ turn: {} });
    outbox.connected();
    await outbox.add(...prompt("slow"));
    await outbox.add(...prompt("behind"));
    await outbox.add(...prompt("other session", "s2"));
    await outbox.add(...decision("a2"));
    await until(() => asked.length === 3, "three lanes");
    expect(asked).toEqual(["slow", "other session", "a2"]);
  });

  it("copies a session after what was written to it before, and before what was written to either afterwards", async () => {
    const { outbox, reply, asked } = world();
    let made: (answer: unknown) => void = () => undefined;
    reply.now = (payload) =>
      "newSessionId" in (payload as object) ? new Promise((resolve) => (made = resolve)) : Promise.resolve({ turn: {} });
    const promptId = uuid7();
    await outbox.add(...prompt("before"));
    await outbox.add(promptId, {
      type: "agent_session_fork",
      payload: { agentSessionId: "s1", newSessionId: "s2", promptId, content: "the copy" },
    });
    await outbox.add(...prompt("after"));
    await outbox.add(...prompt("in the copy", "s2"));
    outbox.connected();
    await until(() => asked.length === 2, "the copy is asked for");
    await settle();
    expect(asked).toEqual(["before", "the copy"]);
    made({ session: {}, turn: {} });
    await until(() => outbox.items.length === 0, "all recorded");
    expect(asked.slice(2).sort()).toEqual(["after", "in the copy"]);
  });

  it("lets the origin go on when its copy is refused", async () => {
    const { outbox, reply, asked } = world();
    reply.now = async (payload) => {
      if ("newSessionId" in (payload as object)) throw new RequestError("CONFLICT", "it works");
      return { turn: {} };
    };
    outbox.connected();
    const promptId = uuid7();
    await outbox.add(promptId, {
      type: "agent_session_fork",
      payload: { agentSessionId: "s1", newSessionId: "s2", promptId, content: "the copy" },
    });
    await outbox.add(...prompt("in the copy", "s2"));
    await outbox.add(...prompt("after"));
    await until(() => asked.includes("after"), "the origin goes on");
    await settle();
    expect(asked).toEqual(["the copy", "after"]);
    expect(outbox.items.map((item) => item.state)).toEqual(["refused", "saved"]);
  });

  it("leaves other machines' items alone", async () => {
    const { outbox, database } = world();
    await database.put("outbox", "x", { id: "x", machineId: "other", createdAt: 1, state: "saved", type: "agent_message", payload: {} });
    await outbox.load();
    expect(outbox.items).toEqual([]);
  });
});
