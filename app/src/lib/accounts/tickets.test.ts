// @vitest-environment node
import { beforeEach, describe, expect, it } from "vitest";
import type { Account } from "./account";
import { FakeGateway, MemoryStore, oneLock, PASSWORD, tab } from "./testing";
import { openWithTicket } from "./tickets";

let gateway: FakeGateway;
let account: Account;
let opened: (string | undefined)[];
let forgotten: number;

const SOCKET = {} as WebSocket;
const open = async (): Promise<WebSocket> => {
  const opens = await openWithTicket(account, "m1", {
    open: (_, ticket) => {
      opened.push(ticket);
      return SOCKET;
    },
    forget: () => forgotten++,
  });
  return opens();
};

beforeEach(() => {
  gateway = new FakeGateway();
  account = tab(gateway, new MemoryStore(), oneLock());
  opened = [];
  forgotten = 0;
});

describe("a connection through a gateway with accounts", () => {
  it("brings a new ticket each time", async () => {
    await account.signIn("ada", PASSWORD, "");
    expect(await open()).toBe(SOCKET);
    await open();
    expect(new Set(opened).size).toBe(2);
    expect(opened.every((ticket) => ticket?.startsWith("ticket-"))).toBe(true);
  });

  it("is not begun for nobody: the gateway is asked whether it has accounts, and for nothing else", async () => {
    await expect(open()).rejects.toMatchObject({ refusal: { code: "account:not_signed_in", proved: false } });
    expect(opened).toEqual([]);
    expect(gateway.asked).toEqual(["GET"]);
  });

  it("goes on without a ticket where there are no accounts any more, or never were", async () => {
    gateway.spoil = () => new Response("", { status: 404 });
    await open();
    expect(opened).toEqual([undefined]);
    expect(forgotten).toBe(1);
  });

  it("goes on without a ticket where accounts were taken away from under a sign-in", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.spoil = () => new Response("", { status: 405 });
    await open();
    expect(opened).toEqual([undefined]);
    expect(forgotten).toBe(1);
  });

  it("says when the sign-in was ended elsewhere", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.endAll();
    await expect(open()).rejects.toMatchObject({ refusal: { code: "account:not_signed_in" } });
  });

  it("says when this person may not meet the machine", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.machines = ["another"];
    await expect(open()).rejects.toMatchObject({ refusal: { code: "account:not_found" } });
  });

  it("is only late when the gateway can't be reached: that is being offline, not being refused", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.spoil = () => {
      throw new TypeError("no network");
    };
    const error: unknown = await open().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "unreachable" });
    expect(error).not.toHaveProperty("refusal");
    expect(opened).toEqual([]);
  });
});
