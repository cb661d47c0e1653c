import type { KeyValueStore } from "../channel/store";
import { toBase64Url } from "../text/base64url";
import { AccountError } from "./errors";

const ROW = "key";
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const DOMAIN = "pocketcoder-account-proof-v1";
const ONCE_BYTES = 16;

/** What a proof is made for. */
export interface Proved {
  /** The page's own, as its browser names it in `Origin`. */
  readonly origin: string;
  readonly path: string;
  readonly nonce: string;
  /** The body's bytes, as they are sent. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** The access token that goes with the request; null: none. */
  readonly token: string | null;
}

/** The key of this browser at a gateway. Its private half can't be taken out of the browser: a token that was stolen is worth nothing without it. */
export class AccountKey {
  readonly #private: CryptoKey;

  private constructor(
    keys: CryptoKeyPair,
    /** The uncompressed point, 65 bytes in base64url. */
    readonly publicKey: string,
  ) {
    this.#private = keys.privateKey;
  }

  /**
   * Loads this browser's key, or makes and stores one. Tabs that do so at once get the same.
   * @throws AccountError `garbled`: something else is stored, which is never replaced silently
   */
  static async loadOrCreate(store: KeyValueStore): Promise<AccountKey> {
    const stored =
      (await store.get(ROW)) ?? (await store.putIfAbsent(ROW, await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"])));
    if (!isKeyPair(stored)) throw new AccountError("garbled");
    return AccountKey.of(stored);
  }

  /** @internal From keys in hand. */
  static async of(keys: CryptoKeyPair): Promise<AccountKey> {
    return new AccountKey(keys, toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey))));
  }

  /** The value of the header `Account-Proof`. Good once. */
  async prove(proved: Proved): Promise<string> {
    const once = toBase64Url(crypto.getRandomValues(new Uint8Array(ONCE_BYTES)));
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, this.#private, await proofText(proved, once));
    return `${proved.nonce}.${once}.${toBase64Url(new Uint8Array(signature))}`;
  }
}

/** The bytes that are signed: what the gateway puts together by itself (`ProofChecker.TextOf`; both sides read tests/vectors/account-proof.json). */
export async function proofText({ origin, path, nonce, body, token }: Proved, once: string): Promise<Uint8Array<ArrayBuffer>> {
  const ofToken = token === null ? "" : await hash(new TextEncoder().encode(token));
  return new TextEncoder().encode([DOMAIN, origin, "POST", path, nonce, once, ofToken, await hash(body)].join("\n"));
}

async function hash(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toBase64Url(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

function isKeyPair(value: unknown): value is CryptoKeyPair {
  if (typeof value !== "object" || value === null) return false;
  const { privateKey, publicKey } = value as Partial<CryptoKeyPair>;
  return privateKey instanceof CryptoKey && publicKey instanceof CryptoKey;
}
