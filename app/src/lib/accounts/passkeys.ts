import { fromBase64Url, toBase64Url } from "../text/base64url";
import { AccountError } from "./errors";

/** Passkeys of this browser: the two things that are asked of them. Null: the person did not want to, or took too long, which is nothing to tell. */
export interface Passkeys {
  /** @throws AccountError `passkey_exists`, `passkey_failed`, `garbled` */
  create(options: unknown): Promise<object | null>;
  /** @throws AccountError `passkey_failed`, `garbled` */
  get(options: unknown): Promise<object | null>;
}

/** A question of the gateway's, and what goes back with its answer. */
export interface Question {
  readonly question: string;
  readonly options: unknown;
}

type Fields = Record<string, unknown>;
type Bytes = Uint8Array<ArrayBuffer>;

/**
 * Those of the browser, in the form that the standard gives them for JSON. Written out, since Safari before 18.4 and Chromium before 129 have no
 * `parseCreationOptionsFromJSON`.
 */
export class BrowserPasskeys implements Passkeys {
  readonly #browser: CredentialsContainer;

  constructor(browser: CredentialsContainer) {
    this.#browser = browser;
  }

  async create(options: unknown): Promise<object | null> {
    const of = fields(options);
    const user = fields(of["user"]);
    const publicKey = {
      ...of,
      challenge: bytes(of["challenge"]),
      user: { ...user, id: bytes(user["id"]) },
      excludeCredentials: descriptors(of["excludeCredentials"]),
    } as unknown as PublicKeyCredentialCreationOptions;
    const made = await asked(() => this.#browser.create({ publicKey }));
    if (made === null) return null;
    const response = made.response as AuthenticatorAttestationResponse;
    return shown(made, {
      clientDataJSON: text(response.clientDataJSON),
      attestationObject: text(response.attestationObject),
      transports: "getTransports" in response ? response.getTransports() : [], // missing in Firefox before 119
    });
  }

  async get(options: unknown): Promise<object | null> {
    const of = fields(options);
    const publicKey = {
      ...of,
      challenge: bytes(of["challenge"]),
      allowCredentials: descriptors(of["allowCredentials"]),
    } as unknown as PublicKeyCredentialRequestOptions;
    const used = await asked(() => this.#browser.get({ publicKey }));
    if (used === null) return null;
    const { clientDataJSON, authenticatorData, signature, userHandle } = used.response as AuthenticatorAssertionResponse;
    return shown(used, {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle === null ? null : text(userHandle),
    });
  }
}

/** The browser's own; null: it has none. They need a page that came over TLS, or from localhost. */
export function browserPasskeys(): Passkeys | null {
  return typeof PublicKeyCredential === "undefined" || !("credentials" in navigator) ? null : new BrowserPasskeys(navigator.credentials);
}

/** @throws AccountError `garbled` */
export function readQuestion(value: unknown): Question {
  const { question, options } = fields(value);
  if (typeof question !== "string" || question === "" || question.length > 200) throw new AccountError("garbled");
  return { question, options: fields(options) };
}

async function asked(work: () => Promise<Credential | null>): Promise<PublicKeyCredential | null> {
  try {
    return (await work()) as PublicKeyCredential | null;
  } catch (error) {
    const name = error instanceof Error || error instanceof DOMException ? error.name : "";
    if (name === "NotAllowedError" || name === "AbortError") return null;
    throw new AccountError(name === "InvalidStateError" ? "passkey_exists" : "passkey_failed");
  }
}

function shown({ id, type }: PublicKeyCredential, response: object): object {
  return { id, rawId: id, type, clientExtensionResults: {}, response };
}

function fields(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw new AccountError("garbled");
}

function bytes(value: unknown): Bytes {
  try {
    if (typeof value === "string") return fromBase64Url(value);
  } catch {
    // no base64url
  }
  throw new AccountError("garbled");
}

function descriptors(value: unknown): object[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AccountError("garbled");
  return value.map((one) => {
    const { id, transports } = fields(one);
    return { type: "public-key", id: bytes(id), ...(Array.isArray(transports) ? { transports: transports as unknown[] } : {}) };
  });
}

function text(buffer: ArrayBuffer): string {
  return toBase64Url(new Uint8Array(buffer));
}
