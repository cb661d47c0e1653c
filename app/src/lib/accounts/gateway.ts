import { readOffers, type ServiceOffer } from "./answers";
import { AccountError, readCode } from "./errors";
import type { AccountKey } from "./key";

const ROOT = "/v1/accounts";
/** For a request with its answer. Passwords are worked on one after the other, so the gateway may take its time. */
const LIMIT_MS = 20_000;
/** Of an answer, in bytes; more is never read. */
const ANSWER_BYTES = 64 * 1024;
/** Tries again with a nonce that was too old by then. */
const STALE_RETRIES = 2;
const MOST_WAIT_SECONDS = 3600;

/** How a request leaves; the browser's `fetch`. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Requests about accounts to the gateway that served the page, each with a proof of this browser's key. What comes back is bounded in bytes and in time, and
 * nothing of it is believed before its reader looked at it. Every failure is an AccountError.
 */
export class Gateway {
  readonly origin: string;
  readonly #send: Fetch;
  #nonce: string | null = null;

  constructor(origin: string, fetch: Fetch) {
    this.origin = origin;
    this.#send = fetch;
  }

  /** Asks how one signs in here: `password`, `passkey`, and other services. @throws AccountError `none`: this gateway has no accounts; `unreachable`, `garbled` */
  async look(): Promise<Offer> {
    const answer = await this.#ask(ROOT, { method: "GET" }, ANSWER_BYTES);
    if (answer.status !== 200) throw failure(answer);
    if (this.#nonce === null) throw new AccountError("garbled");
    const { signIn, services } = (answer.json ?? {}) as { signIn?: unknown; services?: unknown };
    return { ways: Array.isArray(signIn) ? signIn.filter((way) => typeof way === "string") : [], services: readOffers(services) };
  }

  /**
   * One request of the table in docs/accounts.md.
   * @param token the access token; null: what is in the body is enough
   * @param most bytes of the answer
   * @throws AccountError
   */
  async post(name: string, body: object, key: AccountKey, token: string | null, most = ANSWER_BYTES): Promise<unknown> {
    const path = `${ROOT}/${name}`;
    const bytes = new TextEncoder().encode(JSON.stringify(body));
    for (let tries = 0; ; tries++) {
      if (this.#nonce === null) await this.look();
      const nonce = this.#nonce ?? "";
      const headers: Record<string, string> = {
        "Content-Type": "application/json",
        "Account-Proof": await key.prove({ origin: this.origin, path, nonce, body: bytes, token }),
      };
      if (token !== null) headers["Authorization"] = `PocketCoder ${token}`;
      const answer = await this.#ask(path, { method: "POST", headers, body: bytes }, most);
      if (answer.status === 200) return answer.json;
      const error = failure(answer);
      if (error.code !== "stale_proof" || tries >= STALE_RETRIES) throw error;
      if (this.#nonce === nonce) this.#nonce = null; // it gave no other: ask for one
    }
  }

  async #ask(path: string, init: RequestInit, most: number): Promise<Answer> {
    const { signal, done } = limited();
    try {
      // A redirect would lead a proof elsewhere. The mode stays "cors": with another one, and without a referrer, browsers send no origin.
      const response = await this.#send(this.origin + path, { ...init, cache: "no-store", redirect: "error", signal });
      const nonce = response.headers.get("Account-Nonce");
      if (nonce !== null && /^[\w-]{22}$/.test(nonce)) this.#nonce = nonce;
      return { status: response.status, wait: waitOf(response), json: await read(response, most) };
    } catch (error) {
      throw error instanceof AccountError ? error : new AccountError("unreachable");
    } finally {
      done();
    }
  }
}

/** How one signs in at a gateway. */
export interface Offer {
  readonly ways: readonly string[];
  readonly services: readonly ServiceOffer[];
}

interface Answer {
  readonly status: number;
  readonly wait: number | null;
  /** Undefined: it is no JSON. */
  readonly json: unknown;
}

function limited(): { readonly signal: AbortSignal; done(): void } {
  const ends = new AbortController();
  const timer = setTimeout(() => ends.abort(), LIMIT_MS);
  return { signal: ends.signal, done: () => clearTimeout(timer) };
}

/** The body, if it is JSON; of anything else nothing is read. @throws AccountError `garbled`: it is too long, or no JSON although it says so */
async function read(response: Response, most: number): Promise<unknown> {
  const type = response.headers.get("Content-Type")?.split(";")[0]?.trim().toLowerCase();
  const reader = response.body?.getReader();
  if (!reader) return undefined;
  if (type !== "application/json") {
    await reader.cancel();
    return undefined;
  }
  const parts: Uint8Array[] = [];
  for (let total = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    total += value.length;
    if (total > most) {
      await reader.cancel();
      throw new AccountError("garbled");
    }
    parts.push(value);
  }
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(await new Blob(parts as BlobPart[]).arrayBuffer()));
  } catch {
    throw new AccountError("garbled");
  }
}

function waitOf(response: Response): number | null {
  const text = response.headers.get("Retry-After") ?? "";
  return /^\d{1,9}$/.test(text) ? Math.min(Number(text), MOST_WAIT_SECONDS) : null;
}

/** What an answer other than 200 says. Without accounts the address is not there, and takes no POST. */
function failure({ status, wait, json }: Answer): AccountError {
  if (json === undefined) {
    if (status === 404 || status === 405) return new AccountError("none");
    return status === 429 ? new AccountError("too_fast", wait) : new AccountError(status >= 500 ? "unreachable" : "garbled");
  }
  const told = typeof json === "object" && json !== null && "error" in json ? (json as { error: unknown }).error : null;
  const code = typeof told === "object" && told !== null && "code" in told ? readCode((told as { code: unknown }).code) : null;
  return new AccountError(code ?? "garbled", wait);
}
