import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MockMachine, type MockState } from "../../dev/mock-machine";
import { frame, PlainTransport } from "../../dev/mock-door";
import { scenario } from "../../dev/scenarios";
import { backoff } from "./backoff";
import { Link, type LinkState } from "./link";
import type { SecureTransport, Socket } from "./transport";

let state: MockState;
let machine: MockMachine;
let states: LinkState[];

function linkTo(options: { transport?: () => SecureTransport; socket?: () => Socket | Promise<() => Socket> } = {}): Link {
  const link = new Link({
    openSocket: options.socket ?? (() => machine.connect()),
    createTransport: options.transport ?? (() => new PlainTransport()),
    hello: () => ({ protocol: 1, app: "test" }),
    random: () => 0,
  });
  link.onState = (now) => states.push(now);
  return link;
}

/** Runs what is due now, without moving the clock. */
const run = async (): Promise<void> => {
  for (let i = 0; i < 30; i++) await vi.advanceTimersByTimeAsync(0);
};
const kinds = (): string[] => states.map((now) => now.kind);

beforeEach(async () => {
  state = await scenario("rich");
  machine = new MockMachine(state);
  states = [];
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

describe("link", () => {
  it("shakes hands, says hello and is online", async () => {
    const link = linkTo();
    link.start();
    await run();
    expect(kinds()).toEqual(["connecting", "online"]);
    expect(machine.requests[0]?.type).toBe("hello");
  });

  it("comes back by itself after the connection broke, waiting longer each time", async () => {
    const link = linkTo();
    link.start();
    await run();
    state.network = "never";
    machine.dropAll();
    await run();
    expect(link.state.kind).toBe("offline");
    await vi.advanceTimersByTimeAsync(300);
    await run();
    expect(kinds().filter((kind) => kind === "connecting").length).toBe(2);
    state.network = "good";
    await vi.advanceTimersByTimeAsync(1000);
    await run();
    expect(link.state.kind).toBe("online");
  });

  it("remembers since when it is offline, over several tries", async () => {
    state.network = "never";
    const link = linkTo();
    link.start();
    await run();
    const first = link.state.kind === "offline" ? link.state.since : 0;
    await vi.advanceTimersByTimeAsync(5000);
    await run();
    expect(link.state.kind === "offline" && link.state.since).toBe(first);
  });

  it("connects at once when the page wakes", async () => {
    state.network = "never";
    const link = linkTo();
    link.start();
    await run();
    await vi.advanceTimersByTimeAsync(60_000);
    state.network = "good";
    link.wake();
    await run();
    expect(link.state.kind).toBe("online");
  });

  it("says that the link is stale after six seconds without a pong, and comes back new after that", async () => {
    const link = linkTo();
    link.start();
    await run();
    state.network = "mute";
    link.wake();
    await vi.advanceTimersByTimeAsync(5900);
    expect(link.state.kind).toBe("online");
    await vi.advanceTimersByTimeAsync(200);
    expect(link.state.kind).toBe("stale");
    expect(link.ready).toBe(true);
    await vi.advanceTimersByTimeAsync(9000);
    expect(["offline", "connecting", "online"]).toContain(link.state.kind);
    expect(kinds()).toContain("offline");
  });

  it("counts any message as a sign of life", async () => {
    const link = linkTo();
    link.start();
    await run();
    state.network = "mute";
    link.wake();
    await vi.advanceTimersByTimeAsync(6500);
    expect(link.state.kind).toBe("stale");
    state.network = "good";
    link.send({ v: 1, type: "machine_state", requestId: "x", stream: null, epoch: null, seq: null, payload: {}, error: null });
    await run();
    expect(link.state.kind).toBe("online");
  });

  it("tells a revoked device so and tries no more", async () => {
    state.refusal = { code: "UNAUTHORIZED", message: "", proved: true };
    const link = linkTo();
    link.start();
    await run();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(link.state.kind).toBe("revoked");
    expect(kinds().filter((kind) => kind === "connecting").length).toBe(1);
  });

  it("does not take an unproved reason for a revocation", async () => {
    state.refusal = { code: "UNAUTHORIZED", message: "go away", proved: false };
    const link = linkTo();
    link.start();
    await run();
    expect(link.state).toMatchObject({ kind: "refused", refusal: { code: "UNAUTHORIZED", message: "go away", proved: false } });
  });

  it("stops at another protocol version", async () => {
    state.refusal = { code: "VERSION_UNSUPPORTED", message: "", proved: true };
    const link = linkTo();
    link.start();
    await run();
    expect(link.state.kind).toBe("version");
  });

  it("drops a connection whose frames can't be opened and lets nothing of them through", async () => {
    class Broken extends PlainTransport {
      override async open(): Promise<Uint8Array | null> {
        throw new Error("corrupt");
      }
    }
    const messages: unknown[] = [];
    const link = linkTo({ transport: () => new Broken() });
    link.onMessage = (message) => messages.push(message);
    link.start();
    await run();
    expect(link.state.kind).toBe("offline");
    expect(messages).toEqual([]);
  });

  it("gives up a handshake that never answers", async () => {
    const silent: Socket = {
      binaryType: "arraybuffer",
      bufferedAmount: 0,
      readyState: 1,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: () => undefined,
      close: () => undefined,
    };
    const link = linkTo({ socket: () => silent });
    link.start();
    silent.onopen?.(new Event("open"));
    await vi.advanceTimersByTimeAsync(10_100);
    expect(link.state.kind).toBe("offline");
  });

  it("writes nothing to a socket that is closing, and goes on when it is closed", async () => {
    const closing: Socket & { readyState: number } = {
      binaryType: "arraybuffer",
      bufferedAmount: 0,
      readyState: 1,
      onopen: null,
      onmessage: null,
      onclose: null,
      onerror: null,
      send: vi.fn(),
      close: () => undefined,
    };
    const link = linkTo({ socket: () => closing });
    link.start();
    closing.readyState = 2; // the server's close arrived, and the browser has not said so yet
    closing.onopen?.(new Event("open"));
    await vi.advanceTimersByTimeAsync(100);
    expect(closing.send).not.toHaveBeenCalled();
    closing.onclose?.({} as CloseEvent);
    await vi.advanceTimersByTimeAsync(1);
    expect(link.state.kind).toBe("offline");
  });

  it("keeps messages in order although sealing takes different times", async () => {
    const sent: string[] = [];
    class Slow extends PlainTransport {
      override async seal(message: Uint8Array): Promise<readonly Uint8Array[]> {
        const text = new TextDecoder().decode(message);
        await new Promise((resolve) => setTimeout(resolve, text.includes('"first"') ? 50 : 1));
        sent.push(text.includes('"first"') ? "first" : text.includes('"second"') ? "second" : "other");
        return [frame(message)];
      }
    }
    const link = linkTo({ transport: () => new Slow() });
    link.start();
    await vi.advanceTimersByTimeAsync(100);
    for (const requestId of ["first", "second"])
      link.send({ v: 1, type: "ping", requestId, stream: null, epoch: null, seq: null, payload: {}, error: null });
    await vi.advanceTimersByTimeAsync(200);
    expect(sent.filter((name) => name !== "other")).toEqual(["first", "second"]);
  });

  it("sends nothing before hello was answered", () => {
    const link = linkTo();
    link.start();
    expect(link.send({ v: 1, type: "ping", requestId: "a", stream: null, epoch: null, seq: null, payload: {}, error: null })).toBe(false);
  });

  it("survives mangled messages from the machine", async () => {
    for (const bytes of [[], [0x7b], [...new TextEncoder().encode("null")], [...new TextEncoder().encode('{"type":7}')], [0xff, 0xfe]]) {
      class Odd extends PlainTransport {
        override async open(): Promise<Uint8Array | null> {
          return Uint8Array.from(bytes);
        }
      }
      states = [];
      const link = linkTo({ transport: () => new Odd() });
      link.start();
      await run();
      expect(link.state.kind).toBe("refused");
      link.stop();
    }
  });
});

describe("backoff", () => {
  it("doubles to fifteen seconds and is random in its upper half", () => {
    expect([0, 1, 2, 3, 10, 50].map((attempt) => backoff(attempt, () => 1))).toEqual([500, 1000, 2000, 4000, 15_000, 15_000]);
    expect(backoff(10, () => 0)).toBe(7500);
  });
});

describe("a socket for which something has to be asked first", () => {
  it("is used when it comes", async () => {
    const link = linkTo({ socket: async () => () => machine.connect() });
    link.start();
    expect(link.state.kind).toBe("connecting");
    await run();
    expect(kinds()).toEqual(["connecting", "online"]);
  });

  it("is not opened when nobody wants it any more, and changes nothing", async () => {
    let come: (open: () => Socket) => void = () => undefined;
    const opened = vi.fn(() => machine.connect());
    const link = linkTo({ socket: () => new Promise((resolve) => (come = resolve)) });
    link.start();
    await run();
    link.stop();
    come(opened);
    await run();
    expect(opened).not.toHaveBeenCalled();
    expect(kinds()).toEqual(["connecting", "stopped"]);
  });

  it("that was turned away is told with the reason, and asked for again later", async () => {
    let asked = 0;
    const refusal = { code: "account:not_signed_in", message: "", proved: false };
    const link = linkTo({
      socket: async () => {
        if (++asked === 1) throw Object.assign(new Error("no"), { refusal });
        return () => machine.connect();
      },
    });
    link.start();
    await run();
    expect(link.state).toMatchObject({ kind: "refused", refusal });
    link.wake(); // somebody signed in
    await run();
    expect(link.state.kind).toBe("online");
  });

  it("that could not be asked for is being offline", async () => {
    const link = linkTo({ socket: () => Promise.reject(new TypeError("no network")) });
    link.start();
    await run();
    expect(link.state.kind).toBe("offline");
    link.stop();
  });

  it("whose refusal comes after the link was stopped changes nothing", async () => {
    let fail: (error: Error) => void = () => undefined;
    const link = linkTo({ socket: () => new Promise((_, reject) => (fail = reject)) });
    link.start();
    link.stop();
    fail(new Error("late"));
    await run();
    expect(kinds()).toEqual(["connecting", "stopped"]);
  });
});
