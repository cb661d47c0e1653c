// @vitest-environment node
import { describe, expect, it } from "vitest";
import { equal, utf8 } from "./bytes";
import { DEFAULT_LIMITS, DeviceChannel } from "./channel";
import { ChannelError } from "./errors";
import { closeFrame } from "./frames";
import { beginAsVector, bend, channels, codeOf, handshakeVector, hex, openAll, seeded, SMALL } from "./testing";

describe("a channel", () => {
  it("carries messages both ways and knows when the machine has spoken", async () => {
    const { device, machine } = await channels();
    expect(await openAll(machine, await device.seal(utf8("up")))).toEqual(utf8("up"));
    expect(device.isConfirmed).toBe(false);
    expect(await openAll(device, await machine.seal(utf8("down")))).toEqual(utf8("down"));
    expect(device.isConfirmed).toBe(true);
  });

  it.each([0, 1, 65_510, 65_511, 131_021])("carries a message of %i bytes in frames of at most 64 KiB", async (length) => {
    const { device, machine } = await channels();
    const message = Uint8Array.from({ length }, (_, index) => index & 255);
    const frames = await device.seal(message);
    expect(frames.length).toBe(Math.max(1, Math.ceil(length / 65_510)));
    expect(frames.every((frame) => frame.length <= 65_536)).toBe(true);
    expect(equal(await openAll(machine, frames), message)).toBe(true);
  });

  it("keeps the order of calls that were made at once, in both directions", async () => {
    const { device, machine } = await channels(SMALL);
    const wire: Uint8Array[] = [];
    const texts = Array.from({ length: 30 }, (_, index) => `message ${index} ${"x".repeat((index * 17) % 120)}`);
    await Promise.all(texts.map((text) => device.sealTo(utf8(text), (frame) => wire.push(frame))));
    const opened = await Promise.all(wire.map((frame) => machine.open(frame)));
    expect(opened.filter((message) => message !== null).map((message) => new TextDecoder().decode(message))).toEqual(texts);
  });

  it("takes a copy of a frame, so that the caller may use its buffer again", async () => {
    const { device, machine } = await channels();
    const [frame] = await device.seal(utf8("once"));
    const opened = machine.open(frame!);
    frame!.fill(0);
    expect(await opened).toEqual(utf8("once"));
  });

  it("refuses a message above the limit and goes on", async () => {
    const { device, machine } = await channels(SMALL);
    expect(await codeOf(device.seal(new Uint8Array(1001)))).toBe("too_large");
    expect(await openAll(machine, await device.seal(new Uint8Array(1000)))).toEqual(new Uint8Array(1000));
  });

  it("refuses a message above the limit of the receiver while it is assembled", async () => {
    const { device } = await channels({ ...SMALL, maxMessageBytes: 2000 });
    const { machine } = await channels(SMALL);
    const frames = await device.seal(new Uint8Array(1001));
    for (const frame of frames.slice(0, -1)) expect(await machine.open(frame)).toBeNull();
    expect(await codeOf(machine.open(frames.at(-1)!))).toBe("too_large");
  });

  it("opens nothing that was queued behind a bad frame", async () => {
    const { device, machine } = await channels();
    const [first] = await device.seal(utf8("a"));
    const [second] = await device.seal(utf8("b"));
    const bad = first!.slice();
    bad[12]! ^= 1;
    const results = await Promise.allSettled([machine.open(bad), machine.open(first!), machine.open(second!)]);
    expect(results.map((result) => (result.status === "rejected" ? (result.reason as ChannelError).code : "opened"))).toEqual([
      "corrupt",
      "poisoned",
      "poisoned",
    ]);
  });

  it("is over when it is closed, also for what is under way", async () => {
    const { device, machine } = await channels();
    const [frame] = await device.seal(utf8("late"));
    const opening = machine.open(frame!);
    machine.close();
    expect(await codeOf(opening)).toBe("poisoned");
    expect(await codeOf(machine.seal(utf8("x")))).toBe("poisoned");
  });

  it("is over when the wire fails in the middle of a message", async () => {
    const { device } = await channels(SMALL);
    await expect(
      device.sealTo(new Uint8Array(200), () => {
        throw new Error("the socket is closed");
      }),
    ).rejects.toThrow("the socket is closed");
    expect(await codeOf(device.seal(utf8("x")))).toBe("poisoned");
  });

  it("gives the reason of a close frame", async () => {
    const { device } = await channels();
    const reason = { code: "revoked_device", message: "This device was revoked on this machine." };
    await expect(device.open(closeFrame(reason))).rejects.toMatchObject({ code: "closed_by_peer", peerReason: reason });
  });

  it("wipes the keys it was made from", async () => {
    const key = new Uint8Array(32).fill(7);
    await DeviceChannel.create(key, new Uint8Array(32), new Uint8Array(32), DEFAULT_LIMITS);
    expect(key).toEqual(new Uint8Array(32));
  });
});

describe("a hostile middle", { timeout: 60_000 }, () => {
  /** A second of rounds, but never fewer than ten: a busy computer makes a test weaker, not red. */
  function budget(): (round: number) => boolean {
    const end = performance.now() + 1000;
    return (round) => round < 10 || performance.now() < end;
  }

  it("gets a typed refusal for every frame it bends, repeats, drops or makes up, and no plaintext", async () => {
    const seed = Math.floor(Math.random() * 2 ** 32);
    const below = seeded(seed);
    const within = budget();
    for (let round = 0; within(round); round++) {
      const { device, machine } = await channels(SMALL);
      const messages = Array.from({ length: 1 + below(5) }, () => Uint8Array.from({ length: below(150) }, () => below(256)));
      const frames = (await Promise.all(messages.map((message) => device.seal(message)))).flat();
      const at = below(frames.length);
      const got: Uint8Array[] = [];
      for (const frame of frames.slice(0, at)) {
        const message = await machine.open(frame);
        if (message) got.push(message);
      }
      const [bad, allowed] = attack(below, frames, at);
      const context = `seed ${seed}, round ${round}`;
      expect(allowed, context).toContain(await codeOf(machine.open(bad)));
      expect(got, context).toEqual(messages.slice(0, got.length));
      expect(await codeOf(machine.open(frames[at]!)), context).toBe("poisoned");
      expect(device.isPoisoned, context).toBe(false);
    }
  });

  function attack(below: (limit: number) => number, frames: readonly Uint8Array[], due: number): [Uint8Array, string[]] {
    const kind = below(4);
    if (kind === 0 && due > 0) return [frames[below(due)]!, ["replayed"]];
    if (kind === 1 && due < frames.length - 1) return [frames[due + 1 + below(frames.length - due - 1)]!, ["out_of_order"]];
    const bent = kind === 2 ? Uint8Array.from({ length: below(80) }, () => below(256)) : bend(frames[due]!, below, 100);
    return [bent, ["malformed", "too_large", "replayed", "out_of_order", "corrupt"]];
  }

  it.each(["reconnect", "pair"])("cannot bend an answer to a %s handshake into a channel", async (name) => {
    const vector = handshakeVector(name);
    const good = hex(vector.secondFrame);
    const seed = Math.floor(Math.random() * 2 ** 32);
    const below = seeded(seed);
    const within = budget();
    for (let round = 0; within(round); round++) {
      const begun = await beginAsVector(vector);
      expect(["malformed", "too_large", "bad_key", "handshake_failed"], `seed ${seed}, round ${round}`).toContain(
        await codeOf(begun.complete(bend(good, below, 5000))),
      );
    }
  });
});
