// @vitest-environment node
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Account } from "./account";
import { AccountError, type AccountErrorCode } from "./errors";
import { Gateway } from "./gateway";
import { FakeGateway, MemoryStore, oneLock, ORIGIN, PASSWORD, tab } from "./testing";

let gateway: FakeGateway;
let store: MemoryStore;
let lock: ReturnType<typeof oneLock>;
let now: number;
let account: Account;

const opened = (): Account => tab(gateway, store, lock, () => now);
const times = (name: string): number => gateway.asked.filter((one) => one === name).length;

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
  lock = oneLock();
  now = 1_000_000;
  account = opened();
});

describe("signing in", () => {
  it("is kept over a reload, and asks with its tokens from then on", async () => {
    await account.signIn(" Ada ", PASSWORD, "Chrome");
    const reloaded = opened();
    expect(await reloaded.name()).toBe("ada");
    expect((await reloaded.me()).name).toBe("ada");
    expect(await reloaded.ticket("m1")).toMatch(/^ticket-/);
    expect(times("refresh")).toBe(0);
  });

  it("keeps neither password nor anything that a script could take the key from", async () => {
    await account.signIn("ada", PASSWORD, "Chrome");
    const kept = [...store.rows.values()];
    expect(JSON.stringify(kept)).not.toContain(PASSWORD);
    const keys = store.rows.get("key") as CryptoKeyPair;
    expect(keys.privateKey.extractable).toBe(false);
    await expect(crypto.subtle.exportKey("jwk", keys.privateKey)).rejects.toThrow();
  });

  it("writes nothing to the console", async () => {
    const said = (["log", "info", "warn", "error", "debug"] as const).map((name) => vi.spyOn(console, name));
    await account.signIn("ada", PASSWORD, "Chrome");
    await account.me();
    expect(await fails(account.signIn("ada", "wrong password", ""))).toBe("wrong_name_or_password");
    for (const spy of said) expect(spy).not.toHaveBeenCalled();
    vi.restoreAllMocks();
  });

  it("with a wrong password leaves who was signed in", async () => {
    await account.signIn("ada", PASSWORD, "");
    expect(await fails(account.signIn("eve", "wrong password", ""))).toBe("wrong_name_or_password");
    expect((await account.me()).name).toBe("ada");
  });

  it("sends a password in the form that is the same on every keyboard", async () => {
    await account.signIn("ada", PASSWORD, "");
    const sent: string[] = [];
    const { fetch } = gateway;
    const spied = new Gateway(ORIGIN, (url, init) => {
      if (init.body) sent.push(new TextDecoder().decode(init.body as Uint8Array));
      return fetch(url, init);
    });
    const { Account: Made } = await import("./account");
    await fails(new Made({ store, gateway: spied, alone: lock, passkeys: null }).signIn("ada", "pa\u0308ssword more", ""));
    expect(sent.join()).toContain("p\u00e4ssword more");
  });

  it("makes one key, also when two tabs begin at once", async () => {
    await Promise.all([account.signIn("ada", PASSWORD, ""), opened().signIn("ada", PASSWORD, "")]);
    expect(new Set([...gateway.signIns.values()].map(({ key }) => key)).size).toBe(1);
  });
});

describe("a link that welcomes", () => {
  it("is good once", async () => {
    await account.welcome("LINK", "ada", PASSWORD, "");
    expect(await fails(tab(gateway, new MemoryStore(), oneLock()).welcome("LINK", "eve", PASSWORD, ""))).toBe("bad_link");
  });

  it("opened when already signed in ends that sign-in once it is used, and not before", async () => {
    await account.signIn("ada", PASSWORD, "");
    const [before] = gateway.signIns.keys();
    expect(await fails(account.welcome("OTHER", "bob", PASSWORD, ""))).toBe("bad_link");
    expect([...gateway.signIns.keys()]).toEqual([before]);
    await account.welcome("LINK", "bob", PASSWORD, "");
    expect(gateway.signIns.has(before ?? "")).toBe(false);
    expect((await account.me()).name).toBe("bob");
  });

  it("ends the earlier sign-in also when its access token is over", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.restart();
    await account.welcome("LINK", "bob", PASSWORD, "");
    expect([...gateway.signIns.values()].map(({ name }) => name)).toEqual(["bob"]);
  });
});

describe("renewing", () => {
  beforeEach(() => account.signIn("ada", PASSWORD, ""));

  it("comes before a token ends", async () => {
    now += 571_000;
    await account.me();
    expect(times("refresh")).toBe(1);
    await account.me();
    expect(times("refresh")).toBe(1);
  });

  it("comes once when the gateway forgot the token, whatever this browser's clock says", async () => {
    gateway.restart();
    now -= 86_400_000;
    expect((await account.me()).name).toBe("ada");
    expect(times("refresh")).toBe(1);
  });

  it("is done by one of all tabs", async () => {
    gateway.restart();
    const tabs = [account, opened(), opened(), opened()];
    await Promise.all(tabs.flatMap((one) => [one.me(), one.ticket("m1")]));
    expect(times("refresh")).toBe(1);
    expect(gateway.signIns.size).toBe(1);
  });

  it("asks again when the answer was lost", async () => {
    gateway.restart();
    gateway.spoil = (name, calls) => {
      if (name !== "refresh" || calls > 1) return null;
      // It has been done there.
      const row = [...gateway.signIns.values()][0];
      if (row) Object.assign(row, { before: row.refresh, refresh: `${row.id}.lost` });
      throw new TypeError("the network went");
    };
    expect((await account.me()).name).toBe("ada");
    expect(gateway.signIns.size).toBe(1);
  });

  it("keeps the sign-in when there is no network", async () => {
    gateway.restart();
    gateway.spoil = () => {
      throw new TypeError("no network");
    };
    expect(await fails(account.me())).toBe("unreachable");
    gateway.spoil = () => null;
    expect((await account.me()).name).toBe("ada");
  });

  it("forgets a sign-in that was ended elsewhere, and asks nobody any more", async () => {
    gateway.endAll();
    expect(await fails(account.me())).toBe("not_signed_in");
    expect(await opened().name()).toBeNull();
    const asked = gateway.asked.length;
    expect(await fails(account.ticket("m1"))).toBe("not_signed_in");
    expect(gateway.asked.length).toBe(asked);
  });

  it("of a token that was used twice ends the sign-in here as well", async () => {
    const stolen = structuredClone(store.rows);
    gateway.restart();
    await account.me();
    now += 600_000;
    await account.me();
    store.rows.clear();
    for (const [key, value] of stolen) store.rows.set(key, value);
    gateway.restart();
    expect(await fails(account.me())).toBe("not_signed_in");
    expect(gateway.signIns.size).toBe(0);
  });
});

describe("signing out", () => {
  it("ends it there and here", async () => {
    await account.signIn("ada", PASSWORD, "");
    await account.signOut();
    expect(gateway.signIns.size).toBe(0);
    expect(await opened().name()).toBeNull();
  });

  it("is not done when the gateway did not say so", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.spoil = (name) => (name === "sign-out" ? Promise.reject(new TypeError("no network")) : null);
    expect(await fails(account.signOut())).toBe("unreachable");
    expect(await account.name()).toBe("ada");
  });
});

describe("a gateway", () => {
  const answers = (make: () => Response): void => {
    gateway.spoil = (name) => (name === "GET" ? null : make());
  };

  it("whose nonce is always too old is asked three times, not more", async () => {
    gateway.restless = true;
    expect(await fails(account.signIn("ada", PASSWORD, ""))).toBe("stale_proof");
    expect(times("sign-in")).toBe(3);
  });

  it("that gives no new nonce with a stale proof is asked for one, and not for ever", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.asked.length = 0;
    answers(
      () => new Response('{"error":{"code":"stale_proof","message":""}}', { status: 401, headers: { "Content-Type": "application/json" } }),
    );
    expect(await fails(account.me())).toBe("stale_proof");
    expect(times("me")).toBe(3);
    expect(times("GET")).toBe(2);
  });

  it("without accounts says so by what is not there, and by what takes no POST", async () => {
    for (const status of [404, 405]) {
      gateway = new FakeGateway();
      gateway.spoil = () => new Response("There is nothing here.\n", { status, headers: { "Content-Type": "text/plain" } });
      expect(await fails(opened().signIn("ada", PASSWORD, ""))).toBe("none");
      expect(await opened().offered()).toBe(false);
    }
  });

  it("that answers without end is read up to a bound", async () => {
    let given = 0;
    let cancelled = false;
    answers(
      () =>
        new Response(
          new ReadableStream({
            pull: (to) => {
              given += 16_384;
              to.enqueue(new Uint8Array(16_384).fill(32));
              if (given > 100 * 1024 * 1024) to.close();
            },
            cancel: () => void (cancelled = true),
          }),
          { headers: { "Content-Type": "application/json" } },
        ),
    );
    expect(await fails(account.signIn("ada", PASSWORD, ""))).toBe("garbled");
    expect(cancelled).toBe(true);
    expect(given).toBeLessThan(256 * 1024);
  });

  it("that answers with something else than JSON is not read at all", async () => {
    for (const [status, code] of [
      [200, "garbled"],
      [403, "garbled"],
      [502, "unreachable"],
      [429, "too_fast"],
    ] as const) {
      answers(() => new Response("<html>" + "x".repeat(100_000), { status, headers: { "Content-Type": "text/html" } }));
      expect(await fails(account.signIn("ada", PASSWORD, "")), `${status}`).toBe(code);
    }
  });

  it.each([
    "",
    "null",
    "[]",
    "{}",
    "7",
    '"text"',
    "{",
    '{"access":1}',
    '{"access":"a","refresh":"b"}',
    '{"access":"a b","refresh":"b","expiresIn":600}',
    '{"access":"a\\r\\nX: y","refresh":"b","expiresIn":600}',
    '{"access":"a","refresh":"b","expiresIn":-1}',
    '{"access":"a","refresh":"b","expiresIn":"600"}',
    `{"access":"${"a".repeat(300)}","refresh":"b","expiresIn":600}`,
  ])("that answers a sign-in with %s signs nobody in", async (body) => {
    answers(() => new Response(body, { headers: { "Content-Type": "application/json" } }));
    expect(await fails(account.signIn("ada", PASSWORD, ""))).toBe("garbled");
    expect(await account.name()).toBeNull();
  });

  it.each(["{}", '{"error":null}', '{"error":{"code":7}}', '{"error":{"code":"toString"}}', "null"])(
    "that refuses with %s is not understood",
    async (body) => {
      answers(() => new Response(body, { status: 401, headers: { "Content-Type": "application/json" } }));
      expect(await fails(account.signIn("ada", PASSWORD, ""))).toBe("garbled");
    },
  );

  it("gives tickets that are a subprotocol's name, or none", async () => {
    await account.signIn("ada", PASSWORD, "");
    for (const ticket of ["", "a b", "a,b", "a\n", 7, null, "x".repeat(200)]) {
      gateway.spoil = (name) => (name === "ticket" ? gateway.answer({ ticket, expiresIn: 30 }) : null);
      expect(await fails(account.ticket("m1")), String(ticket)).toBe("garbled");
    }
  });

  it("says null for all machines; what it leaves out is not that", async () => {
    await account.signIn("ada", PASSWORD, "");
    const me = { name: "ada", role: "viewer", scopes: [], signIns: [] };
    for (const [machines, read] of [
      [null, null],
      [[], []],
      [["m1"], ["m1"]],
    ] as const) {
      gateway.spoil = (name) => (name === "me" ? gateway.answer({ ...me, machines }) : null);
      expect((await account.me()).machines).toEqual(read);
    }
    for (const machines of [undefined, "all", 7, [7], {}]) {
      gateway.spoil = (name) => (name === "me" ? gateway.answer({ ...me, machines }) : null);
      expect(await fails(account.me()), String(machines)).toBe("garbled");
    }
    gateway.spoil = (name) => (name === "me" ? gateway.answer({ ...me, role: "root", machines: null }) : null);
    expect(await fails(account.me())).toBe("garbled");
  });

  it("that is slow to say when to come again is believed for an hour at most", async () => {
    answers(
      () =>
        new Response('{"error":{"code":"too_fast","message":""}}', {
          status: 429,
          headers: { "Content-Type": "application/json", "Retry-After": "999999999" },
        }),
    );
    await expect(account.signIn("ada", PASSWORD, "")).rejects.toMatchObject({ code: "too_fast", wait: 3600 });
  });

  it("gets requests that follow no redirect and are stored nowhere", async () => {
    const inits: RequestInit[] = [];
    const watched = new Gateway(ORIGIN, (url, init) => {
      inits.push(init);
      return gateway.fetch(url, init);
    });
    const { Account: Made } = await import("./account");
    await new Made({ store, gateway: watched, alone: lock, passkeys: null }).signIn("ada", PASSWORD, "");
    expect(inits.length).toBe(2);
    for (const init of inits) expect(init).toMatchObject({ redirect: "error", cache: "no-store" });
    for (const init of inits) expect(init.mode ?? "cors").toBe("cors"); // otherwise no origin is sent
  });
});

describe("a machine that asks to be let in", () => {
  const asking = { id: "r1", label: "box", fingerprint: "lusab-babad-gutih-tugad", remote: null, askedAt: "2026-11-26T10:00:00Z" };

  it("is found by its code, and decided about by what was found", async () => {
    await account.signIn("ada", PASSWORD, "");
    gateway.spoil = (name) => (name === "machines/find" ? gateway.answer({ ...asking, endsAt: "later" }) : null);
    const found = await account.findMachine("ABCD2345");
    expect(found).toEqual({ ...asking, askedAt: Date.parse(asking.askedAt) });
    await account.addMachine(found.id);
    await account.refuseMachine(found.id);
    await account.removeMachine("m1");
    expect(gateway.asked.slice(-4)).toEqual(["machines/find", "machines/add", "machines/refuse", "machines/remove"]);
    gateway.spoil = (name) => (name === "machines/find" ? gateway.refuse(404, "not_found") : null);
    expect(await fails(account.findMachine("ABCD2345"))).toBe("not_found");
  });

  it("is garbled where something is missing, or larger than it can be", async () => {
    await account.signIn("ada", PASSWORD, "");
    for (const wrong of [
      { id: "" },
      { label: 7 },
      { fingerprint: "x".repeat(65) },
      { remote: "" },
      { askedAt: "then" },
      { id: undefined },
    ]) {
      gateway.spoil = (name) => (name === "machines/find" ? gateway.answer({ ...asking, ...wrong }) : null);
      expect(await fails(account.findMachine("ABCD2345")), JSON.stringify(wrong)).toBe("garbled");
    }
  });

  it("is listed with who let it in, where the gateway says so", async () => {
    await account.signIn("ada", PASSWORD, "");
    const old = { machineId: "m1", label: "old", connected: true };
    const since = "2026-11-26T10:00:00Z";
    gateway.spoil = (name) =>
      name === "machines" ? gateway.answer({ machines: [old, { ...old, since, addedAt: since, addedBy: "ada" }] }) : null;
    expect(await account.machines()).toEqual([
      { ...old, since: null, addedAt: null, addedBy: null },
      { ...old, since: Date.parse(since), addedAt: Date.parse(since), addedBy: "ada" },
    ]);
  });
});

describe("answers and refusals of any shape", () => {
  /** The same each time: a test that fails can be run again. */
  function* numbers(seed: number): Generator<number> {
    for (let x = seed; ;) {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      yield x;
    }
  }

  it("end in an AccountError or in what was asked for, never in anything else", async () => {
    await account.signIn("ada", PASSWORD, "");
    const random = numbers(7);
    const pick = (most: number): number => Number(random.next().value) % most;
    const value = (depth: number): unknown =>
      [null, true, -1, 1e308, "", "x".repeat(pick(300)), "owner", depth > 2 ? [] : [value(depth + 1)], depth > 2 ? {} : shape(depth + 1)][
        pick(9)
      ];
    const names = ["name", "role", "scopes", "machines", "signIns", "users", "invitations", "error", "code", "ticket", "id", "__proto__"];
    const shape = (depth: number): Record<string, unknown> =>
      Object.fromEntries(Array.from({ length: pick(6) }, () => [names[pick(names.length)], value(depth)]));
    for (let i = 0; i < 150; i++) {
      const kept = structuredClone(store.rows);
      gateway.spoil = (name) => (name === "GET" ? null : gateway.answer(value(0), [200, 401, 403, 500][pick(4)]));
      for (const ask of [() => account.me(), () => account.people(), () => account.machines(), () => account.ticket("m1")])
        await ask().catch((error: unknown) => expect(error).toBeInstanceOf(AccountError));
      store.rows.clear();
      for (const [key, row] of kept) store.rows.set(key, row);
    }
  });
});
