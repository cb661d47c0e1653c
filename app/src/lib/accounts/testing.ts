import type { KeyValueStore } from "../channel/store";
import { fromBase64Url, toBase64Url } from "../text/base64url";
import { Account, type Alone } from "./account";
import { type Fetch, Gateway } from "./gateway";
import type { Passkeys } from "./passkeys";

export const ORIGIN = "https://gateway.example";
export const PASSWORD = "correct horse battery";

/** What a tab keeps, for all tabs of a browser. Values are cloned, as IndexedDB does. */
export class MemoryStore implements KeyValueStore {
  readonly rows = new Map<string, unknown>();

  async get(key: string): Promise<unknown> {
    return structuredClone(this.rows.get(key));
  }
  async put(key: string, value: unknown): Promise<void> {
    this.rows.set(key, structuredClone(value));
  }
  async putIfAbsent(key: string, value: unknown): Promise<unknown> {
    if (!this.rows.has(key)) await this.put(key, value);
    return this.get(key);
  }
  async delete(key: string): Promise<void> {
    this.rows.delete(key);
  }
  async list(prefix: string): Promise<unknown[]> {
    return [...this.rows].filter(([key]) => key.startsWith(prefix)).map(([, value]) => value);
  }
}

/** One lock, as the browser has it for all tabs of an origin. */
export function oneLock(): Alone {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const run = last.then(work);
    last = run.catch(() => undefined);
    return run;
  };
}

interface SignInRow {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  refresh: string;
  before: string | null;
  access: Set<string>;
}

/** An authenticator of a test: what it is asked, and what it says. It signs nothing. */
export class FakePasskeys implements Passkeys {
  readonly asked: unknown[] = [];
  /** Null: the person thinks better of it. */
  says: object | null = { id: "passkey" };

  async create(options: unknown): Promise<object | null> {
    this.asked.push(options);
    return this.says;
  }
  get(options: unknown): Promise<object | null> {
    return this.create(options);
  }
}

/** What a request may be answered with in place of what is right. Null: as it should be. */
export type Spoil = (name: string, calls: number) => Promise<Response> | Response | null;

/**
 * A gateway with accounts, written from docs/accounts.md alone: it checks each proof by itself. One person, `ada`, and one link, `LINK`.
 */
export class FakeGateway {
  nonce = newNonce();
  /** Names of the routes that were asked, in their order; `GET` for the offer. */
  readonly asked: string[] = [];
  readonly signIns = new Map<string, SignInRow>();
  readonly links = new Set(["LINK"]);
  machines: string[] | null = null;
  ways: unknown = ["passkey", "password"];
  /** Passkeys by what was said for each. */
  readonly passkeys = new Map<string, string>();
  /** What the passkeys are called, by their ids. */
  readonly named = new Map([["p1", "Chrome"]]);
  readonly #questions = new Map<string, string>();
  services: unknown = [{ name: "work", label: "Work" }];
  /** Who signs in with an account of another service, by the code that it gives for it. */
  readonly codes = new Map<string, string>();
  /** What a browser was sent to a service for. */
  readonly #away = new Map<string, { readonly key: string; readonly link: string | null; readonly name: string | null }>();
  spoil: Spoil = () => null;
  /** Changes its nonce after each look at it: what was signed is always too old. */
  restless = false;
  readonly #used = new Set<string>();
  #next = 0;

  readonly fetch: Fetch = async (url, init) => {
    const { origin, pathname } = new URL(url);
    if (origin !== ORIGIN) throw new TypeError("not our address");
    const name = init.method === "GET" ? "GET" : pathname.replace("/v1/accounts/", "");
    this.asked.push(name);
    const spoiled = this.spoil(name, this.asked.filter((one) => one === name).length);
    if (spoiled) return spoiled;
    if (this.restless) this.nonce = newNonce();
    if (name === "GET") return this.answer({ signIn: this.ways, nonce: this.nonce, services: this.services });
    const headers = init.headers as Record<string, string>;
    return this.#post(name, pathname, init.body as Uint8Array<ArrayBuffer>, headers);
  };

  answer(body: unknown, status = 200): Response {
    return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", "Account-Nonce": this.nonce } });
  }

  refuse(status: number, code: string): Response {
    return this.answer({ error: { code, message: "" } }, status);
  }

  /** Everybody is signed out, as when somebody else ends it. */
  endAll(): void {
    this.signIns.clear();
  }

  /** Access tokens are in its memory only. */
  restart(): void {
    for (const row of this.signIns.values()) row.access.clear();
    this.nonce = newNonce();
  }

  async #post(name: string, path: string, bytes: Uint8Array<ArrayBuffer>, headers: Record<string, string>): Promise<Response> {
    const body = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const token = headers["Authorization"]?.replace(/^PocketCoder /, "") ?? null;
    const open = ["welcome", "sign-in"].includes(name.replace(/^(passkeys|services)\/(begin-)?/, ""));
    const row =
      name === "refresh"
        ? this.signIns.get(String(body["refresh"]).split(".")[0] ?? "")
        : [...this.signIns.values()].find((one) => token !== null && one.access.has(token));
    if (!open && !row) return this.refuse(401, "not_signed_in");
    const key = open ? String(body["key"]) : (row?.key ?? "");
    const fault = await this.#fault(headers["Account-Proof"] ?? "", key, path, bytes, token);
    if (fault !== null) return this.refuse(401, fault);
    switch (name) {
      case "welcome":
        if (!this.links.delete(String(body["token"]))) return this.refuse(403, "bad_link");
        return this.#enter(key, String(body["name"]));
      case "sign-in":
        return body["password"] === PASSWORD ? this.#enter(key, String(body["name"])) : this.refuse(401, "wrong_name_or_password");
      case "passkeys/begin-welcome":
        return this.links.has(String(body["token"])) ? this.#question(key) : this.refuse(403, "bad_link");
      case "passkeys/begin-sign-in":
      case "passkeys/begin-register":
        return this.#question(key);
      case "passkeys/welcome":
      case "passkeys/register":
      case "passkeys/sign-in":
        return this.#passkey(name, key, row?.name ?? String(body["name"]), body);
      case "services/begin-sign-in":
        return this.#leave(key, null, null);
      case "services/begin-welcome":
        return this.links.has(String(body["token"]))
          ? this.#leave(key, String(body["token"]), String(body["name"]))
          : this.refuse(403, "bad_link");
      case "services/begin-add":
        return this.#leave(key, null, (row as SignInRow).name);
      case "services/sign-in":
      case "services/add":
        return this.#back(name, key, body);
      case "passkeys/rename":
        if (!this.named.has(String(body["id"]))) return this.refuse(404, "not_found");
        this.named.set(String(body["id"]), String(body["name"]));
        return this.answer({});
      case "refresh":
        return this.#refresh(row as SignInRow, String(body["refresh"]));
      case "sign-out":
        this.signIns.delete((row as SignInRow).id);
        return this.answer({});
      case "ticket":
        return this.machines === null || this.machines.includes(String(body["machine"]))
          ? this.answer({ ticket: `ticket-${this.#next++}`, expiresIn: 30 })
          : this.refuse(404, "not_found");
      case "me":
        return this.answer({ name: (row as SignInRow).name, role: "owner", scopes: ["view"], machines: this.machines, signIns: [] });
      default:
        return this.answer({});
    }
  }

  #question(key: string): Response {
    const question = `q${this.#next++}`;
    this.#questions.set(question, key);
    return this.answer({ question, options: { challenge: question } });
  }

  /** Each question is for one key, once. */
  #passkey(name: string, key: string, who: string, body: Record<string, unknown>): Response {
    const question = String(body["question"]);
    const asked = this.#questions.get(question);
    this.#questions.delete(question);
    const said = JSON.stringify(body["credential"]);
    if (asked !== key || (name === "passkeys/sign-in" && !this.passkeys.has(said))) return this.refuse(401, "bad_passkey");
    if (name === "passkeys/sign-in") return this.#enter(key, this.passkeys.get(said) ?? "", true);
    if (name === "passkeys/welcome" && !this.links.delete(String(body["token"]))) return this.refuse(403, "bad_link");
    this.passkeys.set(said, who);
    return name === "passkeys/welcome" ? this.#enter(key, who) : this.answer({});
  }

  #leave(key: string, link: string | null, name: string | null): Response {
    const question = toBase64Url(crypto.getRandomValues(new Uint8Array(32)));
    this.#away.set(question, { key, link, name });
    return this.answer({ question, url: `https://service.example/authorize?state=${question}` });
  }

  /** Each question is for one key, once. */
  #back(name: string, key: string, body: Record<string, unknown>): Response {
    const question = String(body["question"]);
    const away = this.#away.get(question);
    this.#away.delete(question);
    const [service, code] = [String(body["service"]), String(body["code"])];
    if (away?.key !== key || service !== "work") return this.refuse(401, "bad_service");
    if (away.link !== null && !this.links.delete(away.link)) return this.refuse(403, "bad_link");
    if (away.name !== null) this.codes.set(code, away.name);
    const who = this.codes.get(code);
    if (who === undefined) return this.refuse(401, "bad_service");
    return name === "services/add" ? this.answer({}) : this.#enter(key, who, true);
  }

  #enter(key: string, name: string, told = false): Response {
    const id = `s${this.#next++}`;
    const row: SignInRow = { id, key, name, refresh: `${id}.r${this.#next++}`, before: null, access: new Set() };
    this.signIns.set(id, row);
    return this.#tokens(row, told);
  }

  #refresh(row: SignInRow, given: string): Response {
    if (given !== row.refresh && given !== row.before) {
      this.signIns.delete(row.id);
      return this.refuse(401, "not_signed_in");
    }
    row.before = given;
    row.refresh = `${row.id}.r${this.#next++}`;
    return this.#tokens(row);
  }

  #tokens(row: SignInRow, told = false): Response {
    const access = `a${this.#next++}`;
    row.access.add(access);
    return this.answer({ access, refresh: row.refresh, expiresIn: 600, ...(told ? { name: row.name } : {}) });
  }

  async #fault(proof: string, key: string, path: string, body: Uint8Array<ArrayBuffer>, token: string | null): Promise<string | null> {
    const [nonce = "", once = "", signed = ""] = proof.split(".");
    if (nonce !== this.nonce) return "stale_proof";
    if (this.#used.has(once) || fromBase64Url(once).length !== 16) return "bad_proof";
    this.#used.add(once);
    const text = [
      "pocketcoder-account-proof-v1",
      ORIGIN,
      "POST",
      path,
      nonce,
      once,
      token === null ? "" : await sha256(new TextEncoder().encode(token)),
      await sha256(body),
    ].join("\n");
    const verifier = await crypto.subtle.importKey("raw", fromBase64Url(key), { name: "ECDSA", namedCurve: "P-256" }, true, ["verify"]);
    const good = await crypto.subtle.verify(
      { name: "ECDSA", hash: "SHA-256" },
      verifier,
      fromBase64Url(signed),
      new TextEncoder().encode(text),
    );
    return good ? null : "bad_proof";
  }
}

/** A tab of a browser: what it keeps is its browser's. */
export function tab(
  gateway: FakeGateway,
  store: KeyValueStore,
  alone: Alone,
  now?: () => number,
  passkeys: Passkeys | null = null,
): Account {
  return new Account({ store, gateway: new Gateway(ORIGIN, gateway.fetch), alone, passkeys, ...(now ? { now } : {}) });
}

function newNonce(): string {
  return toBase64Url(crypto.getRandomValues(new Uint8Array(16)));
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
