import { afterEach, describe, expect, it, vi } from "vitest";
import { DeviceIdentity, indexedDbStore, KnownMachines } from "../channel";
import { channelDoor } from "./channel-door";
import { forgetAccounts, hasAccounts, openSocket, rememberAccounts } from "./first-socket";
import type { Socket } from "./transport";
import { decisionText, undoText } from "./signing";
import { fromBase64Url, toBase64Url } from "../text/base64url";

describe("the real door", () => {
  it("writes base64url and reads it back", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) % 256);
      expect(toBase64Url(bytes)).toMatch(/^[\w-]*$/);
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
    }
  });

  it("puts reason and answers into the signature as hashes, empty ones too", async () => {
    const fields = {
      machineId: "m",
      approvalId: "a",
      decisionId: "d",
      digest: "g",
      verdict: "allow",
      scope: "once",
      reason: "",
      answers: "two\nlines",
      interrupt: false,
    };
    const text = await decisionText(fields);
    expect(text.slice(0, 7)).toEqual([
      "m",
      "a",
      "d",
      "g",
      "allow",
      "once",
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]);
    expect(text[7]).toMatch(/^[0-9a-f]{64}$/);
    expect(text).toHaveLength(9);
    expect([text[8], (await decisionText({ ...fields, interrupt: true }))[8]]).toEqual(["false", "true"]);
  });

  it("signs an undo with all that it is", () => {
    expect(undoText({ machineId: "m", undoId: "u", kind: "turn", targetId: "t", digest: "g", force: true })).toEqual([
      "m",
      "u",
      "turn",
      "t",
      "g",
      "true",
    ]);
  });

  it("refuses what is no pairing link", async () => {
    const door = await channelDoor();
    for (const text of [
      "",
      "https://x.example/",
      "https://x.example/#pair=",
      "https://x.example/#pair=abc",
      `https://x.example/#pair=${"A".repeat(120)}`,
      "hello there",
    ])
      expect(await door.readInvite(text)).toBeNull();
    expect(await door.machines()).toEqual([]);
  });

  it("keeps its signing key over restarts and signs with it", async () => {
    const first = await channelDoor();
    const again = await channelDoor();
    expect(await again.signingKey()).toBe(await first.signingKey());
    expect(fromBase64Url(await first.signingKey())).toHaveLength(65);
    const signature = await first.signDecision({
      machineId: "m",
      approvalId: "a",
      decisionId: "d",
      digest: "g",
      verdict: "allow",
      scope: "once",
      reason: "x\ny",
      answers: "",
      interrupt: false,
    });
    expect(fromBase64Url(signature)).toHaveLength(64);
  });

  it("takes no head that is not signed by the machine", async () => {
    const door = await channelDoor();
    const machine = { machineId: "m", name: "x", signingKey: await door.signingKey() };
    for (const signature of ["", "!!", toBase64Url(new Uint8Array(64)), toBase64Url(new Uint8Array(10))]) {
      expect(await door.verifyHead(machine, { epoch: "e", seq: 1, hash: "00".repeat(32), signature })).toBe(false);
    }
  });
});

describe("the first connection", () => {
  class FakeSocket {
    static readonly OPEN = 1;
    static readonly made: FakeSocket[] = [];
    readyState = 0;
    onopen: ((event: Event) => void) | null = null;
    readonly heard: ((event: { code: number }) => void)[] = [];
    constructor(
      readonly url: string,
      readonly offered: string | string[],
    ) {
      FakeSocket.made.push(this);
    }
    addEventListener(_type: "close", hear: (event: { code: number }) => void): void {
      this.heard.push(hear);
    }
    close(): void {
      this.readyState = 3;
    }
  }

  /** A door of a paired device; with the sockets it made so far. */
  async function paired(): Promise<{ door: Awaited<ReturnType<typeof channelDoor>>; machineId: string; made: FakeSocket[] }> {
    FakeSocket.made.length = 0;
    vi.stubGlobal("WebSocket", FakeSocket);
    const store = indexedDbStore();
    const identity = await DeviceIdentity.loadOrCreate(store);
    await new KnownMachines(store).remember({ publicKey: identity.publicKey, signingPublicKey: identity.signingPublicKey, name: "desk" });
    const door = await channelDoor();
    return { door, machineId: (await door.machines())[0]?.machineId ?? "", made: FakeSocket.made };
  }

  /** The page's scripts once more, in their order: where the first script's connection went, and the door. */
  async function page(): Promise<{ atOnce: readonly string[]; door: Awaited<ReturnType<typeof channelDoor>>; made: FakeSocket[] }> {
    FakeSocket.made.length = 0;
    vi.resetModules();
    await import("./first-socket");
    const atOnce = FakeSocket.made.map((socket) => new URL(socket.url).searchParams.get("machine") ?? "");
    return { atOnce, door: await (await import("./channel-door")).channelDoor(), made: FakeSocket.made };
  }

  afterEach(async () => {
    vi.unstubAllGlobals();
    localStorage.clear();
    const machines = new KnownMachines(indexedDbStore());
    for (const machine of await machines.all()) await machines.forget(machine.id);
  });

  it("begins before it is asked for, and is used once", async () => {
    const { door, machineId, made } = await paired();
    expect(made.map((socket) => socket.url.endsWith(`?machine=${machineId}`))).toEqual([true]);
    const first = door.openSocket(machineId);
    expect(first).toBe(made[0]);
    expect(door.openSocket(machineId)).toBe(made[1]);
  });

  it("tells a listener that comes after it opened", async () => {
    const { door, machineId, made } = await paired();
    for (const socket of made) socket.readyState = FakeSocket.OPEN;
    const socket = door.openSocket(machineId) as Socket;
    await new Promise<void>((opened) => {
      socket.onopen = () => opened();
    });
    expect(made).toHaveLength(1);
  });

  it("that a gateway with accounts closed is the last one without a ticket, also of the next page", async () => {
    const { door, machineId, made } = await paired();
    for (const code of [1000, 1006, 4404, 4400]) for (const hear of made[0]?.heard ?? []) hear({ code });
    expect(hasAccounts()).toBe(false);
    for (const hear of made[0]?.heard ?? []) hear({ code: 4401 });
    expect(hasAccounts()).toBe(true);
    const asked = vi.fn(async () => new Response("", { status: 404 }));
    vi.stubGlobal("fetch", asked);
    const opening = door.openSocket(machineId);
    expect(opening).toBeInstanceOf(Promise);
    expect(made).toHaveLength(1);
    // Whoever closed it was wrong: there are no accounts, so nothing changes.
    ((await opening) as () => Socket)();
    expect(asked).toHaveBeenCalledTimes(1);
    expect(hasAccounts()).toBe(false);
    expect(made.map(({ offered }) => offered)).toEqual(["pocketcoder.v1", "pocketcoder.v1"]);
    expect(made[1]?.url).toBe(made[0]?.url);
  });

  it("begins with a ticket where there are accounts", async () => {
    rememberAccounts();
    const { made } = await paired();
    forgetAccounts();
    expect(made).toHaveLength(0);
  });

  it("brings the ticket beside the protocol and not in the address", async () => {
    const { made, machineId } = await paired();
    openSocket(machineId, "abc");
    expect(made[1]?.offered).toEqual(["pocketcoder.v1", "pocketcoder.ticket.abc"]);
    expect(made[1]?.url).toBe(made[0]?.url);
  });

  it("is made anew when it ended meanwhile", async () => {
    const { door, machineId, made } = await paired();
    made[0]?.close();
    expect(door.openSocket(machineId)).toBe(made[1]);
  });

  it("is not used for another machine, and waits for its own", async () => {
    const { door, machineId, made } = await paired();
    expect(door.openSocket("other")).toBe(made[1]);
    expect(door.openSocket(machineId)).toBe(made[0]);
  });

  it("goes to the machine that the person was at last, which is the first of them", async () => {
    const { door, machineId } = await paired();
    const { publicKey, signingPublicKey } = await DeviceIdentity.loadOrCreate(indexedDbStore("another"));
    const other = await new KnownMachines(indexedDbStore()).remember({ publicKey, signingPublicKey, name: "attic" });
    door.prefer(other.id);
    for (const [first, second] of [
      [other.id, machineId],
      [machineId, other.id],
    ] as const) {
      door.prefer(first);
      const again = await page();
      expect(again.atOnce).toEqual([first]);
      expect(again.made).toHaveLength(1);
      expect((await again.door.machines()).map((machine) => machine.machineId)).toEqual([first, second]);
    }
    await door.forget(machineId);
    expect((await page()).atOnce, "the one that was forgotten is not gone to").toEqual([]);
    expect((await (await page()).door.machines()).map((machine) => machine.machineId)).toEqual([other.id]);
  });

  it("begins with the page's first script once it is known where to", async () => {
    const { machineId } = await paired();
    const { atOnce, door, made } = await page();
    expect(atOnce).toEqual([machineId]);
    expect(made).toHaveLength(1);
    expect(door.openSocket(machineId)).toBe(made[0]);
    expect(door.openSocket(machineId)).toBe(made[1]);
  });

  it("of the first script gives way when it goes to another machine", async () => {
    const { machineId } = await paired();
    localStorage.setItem("pocketcoder.machine", "other");
    const { atOnce, door, made } = await page();
    expect(atOnce).toEqual(["other"]);
    expect(made.map((socket) => socket.readyState)).toEqual([3, 0]);
    expect(door.openSocket(machineId)).toBe(made[1]);
    expect((await page()).atOnce).toEqual([machineId]);
  });

  it("begins nowhere on a device that is not paired any more", async () => {
    const { door, machineId } = await paired();
    await door.forget(machineId);
    expect((await page()).atOnce).toEqual([]);
    localStorage.setItem("pocketcoder.machine", machineId);
    const { atOnce, made } = await page();
    expect(atOnce).toEqual([machineId]);
    expect(made.map((socket) => socket.readyState)).toEqual([3]);
    expect((await page()).atOnce).toEqual([]);
  });

  it("needs no storage", async () => {
    await paired();
    vi.stubGlobal("localStorage", {
      getItem: () => {
        throw new Error("shut");
      },
      setItem: () => {
        throw new Error("shut");
      },
      removeItem: () => {
        throw new Error("shut");
      },
      clear: () => undefined,
    });
    const { atOnce, made } = await page();
    expect(atOnce).toEqual([]);
    expect(made).toHaveLength(1);
  });
});
