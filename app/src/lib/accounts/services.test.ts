// @vitest-environment node
import { beforeEach, describe, expect, it } from "vitest";
import type { Account } from "./account";
import { AccountError, type AccountErrorCode } from "./errors";
import { readReturn, readWelcome, type ServiceReturn } from "./given";
import { FakeGateway, MemoryStore, oneLock, ORIGIN, PASSWORD, tab } from "./testing";

let gateway: FakeGateway;
let store: MemoryStore;
let account: Account;

async function fails(work: Promise<unknown>): Promise<AccountErrorCode> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AccountError)) throw new Error(`not refused: ${String(error)}`);
  return error.code;
}

/** What the service sends this browser back with. */
function back(url: string, code: string | null = "code"): ServiceReturn {
  return { service: "work", state: new URL(url).searchParams.get("state") ?? "", code, issuer: "https://service.example" };
}

beforeEach(() => {
  gateway = new FakeGateway();
  store = new MemoryStore();
  account = tab(gateway, store, oneLock());
});

describe("an account with other services", () => {
  it("welcomes with one, signs out, and signs in again, over reloads of the page", async () => {
    const url = await account.welcomeByService("work", "LINK", " Ada ");
    const kept = JSON.stringify([...store.rows.values()].filter((row) => !(row instanceof CryptoKey)));
    expect(kept).not.toContain("LINK"); // the gateway has it
    const reloaded = tab(gateway, store, oneLock());
    expect(await reloaded.cameBack(back(url), "Chrome")).toBe("welcome");
    expect(await reloaded.name()).toBe("ada");
    await reloaded.signOut();
    const again = await tab(gateway, store, oneLock()).signInByService("work");
    expect(await account.cameBack(back(again), "Chrome")).toBe("sign-in");
    expect((await account.me()).name).toBe("ada");
  });

  it("adds one to whoever is signed in", async () => {
    await account.signIn("ada", PASSWORD, "Chrome");
    gateway.restart();
    expect(await account.cameBack(back(await account.addService("work"), "theirs"), "Chrome")).toBe("add");
    expect([...gateway.codes]).toEqual([["theirs", "ada"]]);
  });

  it("asks nothing with an answer that this browser did not go for, or that was used", async () => {
    gateway.codes.set("code", "eve");
    const other = tab(gateway, new MemoryStore(), oneLock());
    const theirs = back(await other.signInByService("work"));
    expect(await fails(account.cameBack(theirs, ""))).toBe("bad_service"); // a link that somebody else made
    const url = await account.signInByService("work");
    expect(await fails(account.cameBack(theirs, ""))).toBe("bad_service");
    expect(await fails(account.cameBack({ ...back(url), service: "other" }, ""))).toBe("bad_service");
    expect(gateway.asked).not.toContain("services/sign-in");
    expect(await account.cameBack(back(url), "")).toBe("sign-in");
    expect(await fails(account.cameBack(back(url), ""))).toBe("bad_service");
    expect(gateway.asked.filter((name) => name === "services/sign-in")).toHaveLength(1);
    expect(await account.name()).toBe("eve");
  });

  it("changes nothing when the person thinks better of it, or nobody has the account", async () => {
    expect(await account.cameBack(back(await account.signInByService("work"), null), "")).toBeNull();
    expect(gateway.asked).not.toContain("services/sign-in");
    expect(await fails(account.cameBack(back(await account.signInByService("work")), ""))).toBe("bad_service");
    expect(await account.name()).toBeNull();
  });

  it("leaves for an address of the web only", async () => {
    const question = "A".repeat(43);
    for (const url of [
      undefined,
      "",
      "javascript:alert(1)",
      "data:text/html,x",
      "//evil.example",
      "/here",
      "https:///",
      7,
      `https://${"x".repeat(17000)}`,
    ]) {
      gateway.spoil = (name) => (name === "services/begin-sign-in" ? gateway.answer({ question, url }) : null);
      expect(await fails(account.signInByService("work"))).toBe("garbled");
    }
    expect(store.rows.has("service")).toBe(false);
  });

  it("knows the services of a gateway, and none of one of before", async () => {
    expect(await account.services()).toEqual([{ name: "work", label: "Work" }]);
    gateway.services = undefined;
    expect(await account.services()).toEqual([]);
    for (const services of ["work", [null], [{ name: "../x", label: "x" }], [{ name: "x" }]]) {
      gateway.services = services;
      expect(await fails(account.services())).toBe("garbled");
    }
  });
});

describe("an address that a service sends a browser to", () => {
  const state = "s".repeat(43);
  const at = (rest: string): string => `${ORIGIN}/account/signed-in/${rest}`;

  it("is read whole", () => {
    expect(readReturn(at(`work?code=a%2Fb&state=${state}&iss=https%3A%2F%2Fservice.example`), ORIGIN)).toEqual({
      service: "work",
      state,
      code: "a/b",
      issuer: "https://service.example",
    });
    expect(readWelcome(at(`work?code=a&state=${state}`), ORIGIN)).toBe("account");
  });

  it("has no code where the person thought better of it, or there are two", () => {
    expect(readReturn(at(`work?error=access_denied&state=${state}`), ORIGIN)?.code).toBeNull();
    expect(readReturn(at(`work?code=a&code=b&state=${state}`), ORIGIN)?.code).toBeNull();
    expect(readReturn(at(`work?code=${"x".repeat(4097)}&state=${state}`), ORIGIN)?.code).toBeNull();
  });

  it.each([
    at("work"),
    at("work?code=a"),
    at("work?code=a&state=short"),
    at(`work?code=a&state=${state}&state=${state}`),
    at(`?code=a&state=${state}`),
    at(`a/b?code=a&state=${state}`),
    at(`W?code=a&state=${state}`),
    `https://evil.example/account/signed-in/work?code=a&state=${state}`,
    `${ORIGIN}/account?code=a&state=${state}`,
    "nothing",
  ])("%s is none", (link) => {
    expect(readReturn(link, ORIGIN)).toBeNull();
  });
});
