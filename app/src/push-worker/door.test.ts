// @vitest-environment-options { "url": "https://gateway.example/" }
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { account } from "$lib/accounts";
import { FakeGateway, oneLock, ORIGIN, PASSWORD } from "$lib/accounts/testing";
import { DeviceIdentity, indexedDbStore, KnownMachines } from "$lib/channel";
import { workerDoor } from "./door";

class FakeSocket {
  static readonly made: FakeSocket[] = [];
  constructor(
    readonly url: string,
    readonly offered: string | string[],
  ) {
    FakeSocket.made.push(this);
  }
  addEventListener(): void {
    // nobody closes it
  }
}

let gateway: FakeGateway;
let machineId: string;

/** Connects as an errand does; the connections that were made so far. */
async function connected(): Promise<readonly FakeSocket[]> {
  const door = await workerDoor(machineId);
  if (!door) throw new Error("not paired");
  const opened = await door.openSocket(machineId);
  if (typeof opened === "function") opened();
  return FakeSocket.made;
}

beforeEach(async () => {
  gateway = new FakeGateway();
  FakeSocket.made.length = 0;
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", gateway.fetch);
  vi.stubGlobal("localStorage", undefined); // a worker has none
  const alone = oneLock();
  vi.stubGlobal("navigator", { locks: { request: (_name: string, _how: object, work: () => Promise<unknown>) => alone(work) } });
  const store = indexedDbStore();
  const { publicKey, signingPublicKey } = await DeviceIdentity.loadOrCreate(store);
  machineId = (await new KnownMachines(store).remember({ publicKey, signingPublicKey, name: "desk" })).id;
});

afterEach(async () => {
  gateway.spoil = () => null;
  await account.signOut().catch(() => undefined); // it is kept over the cases, as over the lives of a worker
  vi.unstubAllGlobals();
});

describe("the worker's way to a machine", () => {
  it("is none to a machine that this device is not paired with", async () => {
    expect(await workerDoor("0".repeat(32))).toBeNull();
  });

  it("takes a new ticket for that machine each time, once somebody signed in on a page", async () => {
    expect(location.origin).toBe(ORIGIN);
    await account.signIn("ada", PASSWORD, "Chrome");
    gateway.machines = [machineId];
    await connected();
    const made = await connected();
    expect(made.map(({ url }) => url)).toEqual(Array(2).fill(`wss://gateway.example/v1/relay?machine=${machineId}`));
    const tickets = made.map(({ offered }) => offered[1]);
    expect(made.map(({ offered }) => [offered.length, offered[0]])).toEqual(Array(2).fill([2, "pocketcoder.v1"]));
    expect(tickets.every((ticket) => /^pocketcoder\.ticket\.ticket-\d+$/.test(ticket ?? ""))).toBe(true);
    expect(new Set(tickets).size).toBe(2);
  });

  it("asks the gateway for nothing where nobody signed in", async () => {
    expect((await connected()).map(({ offered }) => offered)).toEqual(["pocketcoder.v1"]);
    expect(gateway.asked).toEqual([]);
  });

  it("goes on without a ticket where there are no accounts any more", async () => {
    await account.signIn("ada", PASSWORD, "Chrome");
    gateway.spoil = () => new Response("", { status: 404 });
    expect((await connected()).map(({ offered }) => offered)).toEqual(["pocketcoder.v1"]);
  });

  it("is not begun by who may not meet the machine, was signed out, or can't ask", async () => {
    await account.signIn("ada", PASSWORD, "Chrome");
    gateway.machines = ["another"];
    await expect(connected()).rejects.toMatchObject({ refusal: { code: "account:not_found" } });
    gateway.spoil = () => Promise.reject(new TypeError("no network"));
    await expect(connected()).rejects.toMatchObject({ code: "unreachable" });
    gateway.spoil = () => null;
    gateway.endAll();
    await expect(connected()).rejects.toMatchObject({ refusal: { code: "account:not_signed_in" } });
    expect(FakeSocket.made).toEqual([]);
  });
});
