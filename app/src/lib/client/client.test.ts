import { describe, expect, it, vi } from "vitest";
import type { Envelope } from "../protocol/generated";
import { Client, type Follower } from "./client";
import { RequestError } from "./errors";

const blank = { v: 1, requestId: null, stream: null, epoch: null, seq: null, payload: null, error: null } as const;

class FakeWire {
  readonly sent: Envelope[] = [];
  up = true;
  send(envelope: Envelope): boolean {
    if (this.up) this.sent.push(envelope);
    return this.up;
  }
  last(type: string): Envelope {
    const found = this.sent.filter((envelope) => envelope.type === type).at(-1);
    if (!found) throw new Error(`no ${type} was sent`);
    return found;
  }
  count(type: string): number {
    return this.sent.filter((envelope) => envelope.type === type).length;
  }
}

function follower(): Follower & { seen: number[]; resets: number } {
  const seen: number[] = [];
  return {
    stream: "session/a",
    seen,
    resets: 0,
    event(_, seq) {
      seen.push(seq);
    },
    reset() {
      this.resets++;
      seen.length = 0;
    },
    delta: () => true,
  };
}

const answer = (client: Client, request: Envelope, payload: unknown): void =>
  client.received({ ...blank, type: `${request.type}_response`, requestId: request.requestId, payload });
const event = (client: Client, seq: number, epoch = "e1"): void =>
  client.received({ ...blank, type: "agent_event", stream: "session/a", epoch, seq, payload: {} });
const subscribed = (client: Client, wire: FakeWire, head: number, epoch = "e1", reset = false): void =>
  answer(client, wire.last("subscribe"), { stream: "session/a", epoch, head, reset });

describe("requests", () => {
  it("are answered by id", async () => {
    const wire = new FakeWire();
    const client = new Client(wire);
    const result = client.request("ping", {});
    answer(client, wire.last("ping"), { now: "x" });
    await expect(result).resolves.toEqual({ now: "x" });
  });

  it("fail with the machine's code", async () => {
    const wire = new FakeWire();
    const client = new Client(wire);
    const result = client.request("agent_cancel", { agentSessionId: "a" });
    client.received({
      ...blank,
      type: "error",
      requestId: wire.last("agent_cancel").requestId,
      error: { code: "SESSION_NOT_FOUND", message: "gone" },
    });
    await expect(result).rejects.toMatchObject({ code: "SESSION_NOT_FOUND", transient: false });
  });

  it("fail at once when nothing can be sent, and when the connection ends", async () => {
    const wire = new FakeWire();
    const client = new Client(wire);
    const waiting = client.request("ping", {});
    client.disconnected();
    await expect(waiting).rejects.toMatchObject({ code: "OFFLINE", transient: true });
    wire.up = false;
    await expect(client.request("ping", {})).rejects.toBeInstanceOf(RequestError);
  });

  it("end after their time limit and ignore the late answer", async () => {
    vi.useFakeTimers();
    const wire = new FakeWire();
    const client = new Client(wire);
    const result = client.request("ping", {}, 100);
    const expectation = expect(result).rejects.toMatchObject({ code: "TIMEOUT" });
    await vi.advanceTimersByTimeAsync(101);
    await expectation;
    answer(client, wire.last("ping"), {});
    vi.useRealTimers();
  });
});

describe("streams", () => {
  function start(): { wire: FakeWire; client: Client; view: ReturnType<typeof follower>; leave: () => void } {
    const wire = new FakeWire();
    const client = new Client(wire);
    client.connected();
    const view = follower();
    const leave = client.follow(view);
    return { wire, client, view, leave };
  }

  it("hand on events right behind the answer, each once and in order", () => {
    const { wire, client, view } = start();
    subscribed(client, wire, 3);
    for (const seq of [1, 2, 2, 1, 3]) event(client, seq);
    expect(view.seen).toEqual([1, 2, 3]);
  });

  it("ask again from their cursor when one is missing", () => {
    const { wire, client, view } = start();
    subscribed(client, wire, 1);
    event(client, 1);
    event(client, 3);
    expect(wire.last("subscribe").payload).toEqual({ stream: "session/a", epoch: "e1", after: 1, batches: true });
    event(client, 4);
    subscribed(client, wire, 4);
    for (const seq of [2, 3, 4]) event(client, seq);
    expect(view.seen).toEqual([1, 2, 3, 4]);
    expect(wire.count("subscribe")).toBe(2);
  });

  it("go on from their cursor after a reconnect", () => {
    const { wire, client, view } = start();
    subscribed(client, wire, 2);
    event(client, 1);
    event(client, 2);
    client.disconnected();
    client.connected();
    expect(wire.last("subscribe").payload).toEqual({ stream: "session/a", epoch: "e1", after: 2, batches: true });
    subscribed(client, wire, 3);
    event(client, 3);
    expect(view.seen).toEqual([1, 2, 3]);
  });

  it("start over when the machine says so", () => {
    const { wire, client, view } = start();
    subscribed(client, wire, 1);
    event(client, 1);
    client.disconnected();
    client.connected();
    subscribed(client, wire, 1, "e2", true);
    expect(view.resets).toBe(1);
    event(client, 1, "e2");
    expect(view.seen).toEqual([1]);
  });

  it("ask again when events come from another epoch", () => {
    const { wire, client, view } = start();
    subscribed(client, wire, 0);
    event(client, 1, "e9");
    expect(view.seen).toEqual([]);
    expect(wire.count("subscribe")).toBe(2);
  });

  it("take several events of one message as if each had come alone, and ask again for a gap before or within them", () => {
    const { wire, client, view } = start();
    const batch = (seq: number, count: number): void =>
      client.received({
        ...blank,
        type: "agent_events",
        stream: "session/a",
        epoch: "e1",
        seq,
        payload: { events: Array.from({ length: count }, () => ({})) },
      });
    subscribed(client, wire, 0);
    batch(1, 3);
    batch(2, 3); // two of them again
    expect(view.seen).toEqual([1, 2, 3, 4]);
    batch(6, 2);
    expect(view.seen).toEqual([1, 2, 3, 4]);
    expect(wire.count("subscribe")).toBe(2);
    expect(wire.last("subscribe").payload).toMatchObject({ after: 4, batches: true });
  });

  it("ask again when live text is missing its beginning", () => {
    const { wire, client, view } = start();
    subscribed(client, wire, 0);
    view.delta = () => false;
    client.received({ ...blank, type: "agent_delta", stream: "session/a", epoch: "e1", payload: {} });
    client.received({ ...blank, type: "agent_delta", stream: "session/a", epoch: "e1", payload: {} });
    expect(wire.count("subscribe")).toBe(2);
  });

  it("ignore an answer of before the reconnect", () => {
    const { wire, client, view } = start();
    const old = wire.last("subscribe");
    client.disconnected();
    client.connected();
    answer(client, old, { stream: "session/a", epoch: "old", head: 9, reset: false });
    subscribed(client, wire, 1);
    event(client, 1);
    expect(view.seen).toEqual([1]);
  });

  it("unsubscribe when nobody looks any more", () => {
    const { wire, client, view, leave } = start();
    subscribed(client, wire, 0);
    leave();
    event(client, 1);
    expect(view.seen).toEqual([]);
    expect(wire.count("unsubscribe")).toBe(1);
  });

  it("ask their restart for a cursor first, and again after a reset", async () => {
    const wire = new FakeWire();
    const client = new Client(wire);
    client.connected();
    let restarts = 0;
    const view = follower();
    client.follow(view, undefined, async () => ({ epoch: `e${++restarts}`, seq: 7 }));
    await vi.waitFor(() => expect(wire.count("subscribe")).toBe(1));
    expect(wire.last("subscribe").payload).toEqual({ stream: "session/a", epoch: "e1", after: 7, batches: true });
    subscribed(client, wire, 7, "e2", true);
    await vi.waitFor(() => expect(wire.count("subscribe")).toBe(2));
    subscribed(client, wire, 8, "e2");
    event(client, 8, "e2");
    expect(view.seen).toEqual([8]);
  });

  it("tell when they can't be read", () => {
    const wire = new FakeWire();
    const client = new Client(wire);
    client.connected();
    const failed = vi.fn();
    client.follow({ ...follower(), failed });
    client.received({
      ...blank,
      type: "error",
      requestId: wire.last("subscribe").requestId,
      error: { code: "SESSION_NOT_FOUND", message: "" },
    });
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ code: "SESSION_NOT_FOUND" }));
  });

  it("deliver everything exactly once whatever the connection does (seeded)", () => {
    const seed = Date.now() & 0xffff;
    let state = seed;
    const next = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    for (let round = 0; round < 50; round++) {
      const { wire, client, view } = start();
      let head = 0;
      let pushed = 0;
      for (let step = 0; step < 200; step++) {
        const pick = next(10);
        if (pick < 5) head++;
        else if (pick < 7 && pushed < head) event(client, ++pushed);
        else if (pick === 7 && pushed < head)
          pushed++; // lost on the way
        else if (pick === 8) {
          client.disconnected();
          client.connected();
        }
        const asked = wire.sent.at(-1);
        if (asked?.type === "subscribe" && next(2) === 0) {
          wire.sent.push({ ...blank, type: "answered" });
          const { after } = asked.payload as { after: number };
          answer(client, asked, { stream: "session/a", epoch: "e1", head, reset: false });
          pushed = after;
        }
      }
      const asked = wire.last("subscribe");
      client.disconnected();
      client.connected();
      const again = wire.last("subscribe");
      expect(again).not.toBe(asked);
      answer(client, again, { stream: "session/a", epoch: "e1", head, reset: false });
      for (let seq = (again.payload as { after: number }).after + 1; seq <= head; seq++) event(client, seq);
      expect(view.seen, `seed ${seed} round ${round}`).toEqual(Array.from({ length: head }, (_, at) => at + 1));
    }
  });
});
