// @vitest-environment node
import { beforeEach, describe, expect, it } from "vitest";
import type { Account } from "./account";
import { AccountError, type AccountErrorCode } from "./errors";
import { BrowserPasskeys, readQuestion } from "./passkeys";
import { FakeGateway, FakePasskeys, MemoryStore, oneLock, PASSWORD, tab } from "./testing";

let gateway: FakeGateway;
let store: MemoryStore;
let passkeys: FakePasskeys;
let account: Account;

async function fails(work: Promise<unknown>): Promise<AccountErrorCode> {
  const error: unknown = await work.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof AccountError)) throw new Error(`not refused: ${String(error)}`);
  return error.code;
}

beforeEach(() => {
  gateway = new FakeGateway();
  store = new MemoryStore();
  passkeys = new FakePasskeys();
  account = tab(gateway, store, oneLock(), undefined, passkeys);
});

describe("an account with passkeys", () => {
  it("welcomes with one, signs out, and signs in again without a name", async () => {
    expect(await account.welcomeWithPasskey("LINK", " Ada ", "Chrome")).toBe(true);
    expect(await account.name()).toBe("ada");
    await account.signOut();
    expect(await account.name()).toBeNull();
    expect(await account.signInWithPasskey("Chrome")).toBe(true);
    expect(await account.name()).toBe("ada");
    expect((await account.me()).name).toBe("ada");
  });

  it("adds one to whoever is signed in", async () => {
    await account.signIn("ada", PASSWORD, "Chrome");
    expect(await account.addPasskey("Chrome")).toBe(true);
    expect([...gateway.passkeys.values()]).toEqual(["ada"]);
  });

  it("gives one another name, and tells when it is not there any more", async () => {
    await account.signIn("ada", PASSWORD, "Chrome");
    gateway.restart();
    await account.renamePasskey("p1", "\u94a5\u5319 of the desk");
    expect([...gateway.named]).toEqual([["p1", "\u94a5\u5319 of the desk"]]);
    expect(await fails(account.renamePasskey("p2", "gone"))).toBe("not_found");
    gateway.endAll();
    expect(await fails(account.renamePasskey("p1", "late"))).toBe("not_signed_in");
    expect([...gateway.named.values()]).toEqual(["\u94a5\u5319 of the desk"]);
  });

  it("changes nothing and complains of nothing when the person thinks better of it", async () => {
    passkeys.says = null;
    expect(await account.welcomeWithPasskey("LINK", "ada", "")).toBe(false);
    expect(await account.signInWithPasskey("")).toBe(false);
    await account.signIn("ada", PASSWORD, "Chrome");
    expect(await account.addPasskey("Chrome")).toBe(false);
    expect(gateway.links.has("LINK")).toBe(true);
    expect(gateway.passkeys.size).toBe(0);
    expect(gateway.asked.filter((name) => /passkeys\/(welcome|sign-in|register)/.test(name))).toEqual([]);
  });

  it("tells why the gateway took none", async () => {
    expect(await fails(account.signInWithPasskey(""))).toBe("bad_passkey");
    expect(await fails(account.welcomeWithPasskey("USED", "ada", ""))).toBe("bad_link");
    expect(await account.name()).toBeNull();
  });

  it("offers them where both the browser and the gateway have them", async () => {
    expect(await account.offersPasskeys()).toBe(true);
    expect(await tab(gateway, store, oneLock()).offersPasskeys()).toBe(false);
    for (const ways of [["password"], [], undefined, "passkey", [["passkey"]]]) {
      gateway.ways = ways;
      expect(await account.offersPasskeys()).toBe(false);
    }
    expect(await fails(tab(gateway, store, oneLock()).signInWithPasskey(""))).toBe("passkey_failed");
  });

  it("keeps no sign-in of whoever was not named", async () => {
    await account.welcomeWithPasskey("LINK", "ada", "");
    await account.signOut();
    const tokens = { access: "a", refresh: "b.c", expiresIn: 600 };
    for (const name of [undefined, null, "", 7, "x".repeat(65)]) {
      gateway.spoil = (route) => (route === "passkeys/sign-in" ? gateway.answer({ ...tokens, name }) : null);
      expect(await fails(account.signInWithPasskey(""))).toBe("garbled");
      expect(await account.name()).toBeNull();
    }
  });
});

const CREATION = {
  challenge: "AAEC",
  rp: { id: "gateway.example", name: "gateway.example" },
  user: { id: "YWJj", name: "ada", displayName: "ada" },
  pubKeyCredParams: [{ type: "public-key", alg: -7 }],
  excludeCredentials: [{ type: "public-key", id: "AwQF" }],
};

/** A browser that keeps what it is asked and says what a test wants. */
function browser(says: () => unknown): { readonly asked: unknown[]; readonly passkeys: BrowserPasskeys } {
  const asked: unknown[] = [];
  const answer = async (options: unknown): Promise<unknown> => {
    asked.push(options);
    return says();
  };
  return { asked, passkeys: new BrowserPasskeys({ create: answer, get: answer } as unknown as CredentialsContainer) };
}

const buffer = (...bytes: number[]): ArrayBuffer => new Uint8Array(bytes).buffer;

describe("the browser's passkeys", () => {
  it("get bytes for what the gateway wrote in base64url, and give text for bytes", async () => {
    const { asked, passkeys: own } = browser(() => ({
      id: "AwQF",
      type: "public-key",
      response: { clientDataJSON: buffer(1), attestationObject: buffer(255, 254), getTransports: () => ["internal"] },
    }));
    expect(await own.create(CREATION)).toEqual({
      id: "AwQF",
      rawId: "AwQF",
      type: "public-key",
      clientExtensionResults: {},
      response: { clientDataJSON: "AQ", attestationObject: "__4", transports: ["internal"] },
    });
    const { publicKey } = asked[0] as { publicKey: PublicKeyCredentialCreationOptions };
    expect(publicKey.challenge).toEqual(new Uint8Array([0, 1, 2]));
    expect(publicKey.user.id).toEqual(new Uint8Array([97, 98, 99]));
    expect(publicKey.excludeCredentials).toEqual([{ type: "public-key", id: new Uint8Array([3, 4, 5]) }]);
    expect(publicKey.rp.id).toBe("gateway.example");
  });

  it("bring back whom they were made for", async () => {
    const response = { clientDataJSON: buffer(1), authenticatorData: buffer(2), signature: buffer(3), userHandle: buffer(97) };
    const { passkeys: own } = browser(() => ({ id: "AwQF", type: "public-key", response }));
    expect(await own.get({ challenge: "AAEC", rpId: "gateway.example" })).toMatchObject({
      response: { clientDataJSON: "AQ", authenticatorData: "Ag", signature: "Aw", userHandle: "YQ" },
    });
    const { passkeys: without } = browser(() => ({ id: "AwQF", type: "public-key", response: { ...response, userHandle: null } }));
    expect(await without.get({ challenge: "AAEC" })).toMatchObject({ response: { userHandle: null } });
  });

  it.each([
    ["NotAllowedError", null],
    ["AbortError", null],
    ["InvalidStateError", "passkey_exists"],
    ["SecurityError", "passkey_failed"],
    ["NotSupportedError", "passkey_failed"],
  ])("%s is %s", async (name, code) => {
    const { passkeys: own } = browser(() => {
      throw new DOMException("", name);
    });
    if (code === null) expect(await own.create(CREATION)).toBeNull();
    else expect(await fails(own.create(CREATION))).toBe(code);
  });

  it("are never asked what the gateway did not write whole", async () => {
    const { asked, passkeys: own } = browser(() => null);
    for (const challenge of [undefined, null, 7, "%%%", {}]) {
      expect(await fails(own.create({ ...CREATION, challenge }))).toBe("garbled");
      expect(await fails(own.get({ challenge }))).toBe("garbled");
    }
    expect(await fails(own.create({ ...CREATION, user: null }))).toBe("garbled");
    expect(await fails(own.create({ ...CREATION, excludeCredentials: [null] }))).toBe("garbled");
    expect(await fails(own.get({ challenge: "AAEC", allowCredentials: {} }))).toBe("garbled");
    for (const options of [null, [], "x", 1]) expect(await fails(own.create(options))).toBe("garbled");
    expect(asked).toEqual([]);
    for (const question of [null, {}, { question: "" }, { question: "q" }, { question: "q", options: [] }])
      expect(() => readQuestion(question)).toThrow(AccountError);
  });
});
