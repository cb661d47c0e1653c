import { type Bytes, concat, copy, utf8 } from "./bytes";
import { ChannelError } from "./errors";

/**
 * The initiator of Noise IK, IKpsk2 and X (revision 34) with AESGCM and SHA256, over WebCrypto. The DH function is a seam, so that the
 * state machine can be checked against the published vectors, which are for 25519.
 */
export interface NoiseKeyPair {
  /** The DH part of the protocol name. */
  readonly functionName: string;
  readonly publicKey: Bytes;
  /** 32 bytes. @throws ChannelError `bad_key` */
  agree(peerPublicKey: Uint8Array): Promise<Bytes>;
}

export const TAG_BYTES = 16;
export const REKEY_NONCE = 2n ** 64n - 1n;

const NONE = new Uint8Array(0);

/** AESGCM's nonce (section 12.4): 4 zero bytes, then the counter, big-endian. */
export function nonceOf(counter: bigint): Bytes {
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(4, counter);
  return nonce;
}

export const importAesKey = (key: Bytes): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);

export async function encrypt(key: CryptoKey, counter: bigint, additionalData: Bytes, plaintext: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonceOf(counter), additionalData }, key, plaintext));
}

/** Undefined when the tag is wrong. */
export async function decrypt(key: CryptoKey, counter: bigint, additionalData: Bytes, ciphertext: Bytes): Promise<Bytes | undefined> {
  try {
    return new Uint8Array(await crypto.subtle.decrypt({ name: "AES-GCM", iv: nonceOf(counter), additionalData }, key, ciphertext));
  } catch {
    return undefined;
  }
}

async function hmac(key: Bytes, data: Uint8Array): Promise<Bytes> {
  const imported = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", imported, copy(data)));
}

/**
 * HKDF-SHA256 (RFC 5869) by HMAC, 32 bytes an output. Not WebCrypto's own HKDF: Noise feeds it an empty input (Split), which not
 * every browser imports as a key; here keys are always the 32-byte salt or the 32-byte extract.
 */
export async function hkdf(salt: Bytes, input: Uint8Array, outputs: number, info: Uint8Array = NONE): Promise<Bytes[]> {
  const extract = await hmac(salt, input);
  const results: Bytes[] = [];
  let last: Bytes = NONE;
  for (let index = 1; index <= outputs; index++) {
    last = await hmac(extract, concat(last, info, Uint8Array.of(index)));
    results.push(last);
  }
  return results;
}

const sha256 = async (data: Bytes): Promise<Bytes> => new Uint8Array(await crypto.subtle.digest("SHA-256", data));

/** SymmetricState with its CipherState (sections 5.1, 5.2). */
class SymmetricState {
  private key: CryptoKey | undefined;
  private nonce = 0n;

  private constructor(
    private chainingKey: Bytes,
    public hash: Bytes,
  ) {}

  static async create(protocolName: string): Promise<SymmetricState> {
    const name = utf8(protocolName);
    const hash = name.length <= 32 ? concat(name, new Uint8Array(32 - name.length)) : await sha256(name);
    return new SymmetricState(hash, hash);
  }

  async mixHash(data: Uint8Array): Promise<void> {
    this.hash = await sha256(concat(this.hash, data));
  }

  async mixKey(input: Uint8Array): Promise<void> {
    const [chainingKey, key] = await hkdf(this.chainingKey, input, 2);
    await this.setKeys(chainingKey!, key!);
  }

  async mixKeyAndHash(input: Uint8Array): Promise<void> {
    const [chainingKey, hash, key] = await hkdf(this.chainingKey, input, 3);
    await this.mixHash(hash!);
    await this.setKeys(chainingKey!, key!);
  }

  /** Only called when there is a key: in IK every encrypted field comes after the first DH. */
  async encryptAndHash(plaintext: Bytes): Promise<Bytes> {
    const ciphertext = await encrypt(this.key!, this.nonce++, this.hash, plaintext);
    await this.mixHash(ciphertext);
    return ciphertext;
  }

  async decryptAndHash(ciphertext: Bytes): Promise<Bytes> {
    const plaintext = await decrypt(this.key!, this.nonce++, this.hash, ciphertext);
    if (!plaintext) throw new ChannelError("handshake_failed", "the answer to the handshake cannot be decrypted");
    await this.mixHash(ciphertext);
    return plaintext;
  }

  async split(): Promise<[Bytes, Bytes]> {
    const [toResponder, toInitiator] = await hkdf(this.chainingKey, NONE, 2);
    return [toResponder!, toInitiator!];
  }

  private async setKeys(chainingKey: Bytes, key: Bytes): Promise<void> {
    this.chainingKey = chainingKey;
    this.key = await importAesKey(key);
    this.nonce = 0n;
  }
}

/**
 * The initiator's end: `writeFirst`, `readSecond`, `split`, each once and in this order; of a letter (pattern X) `writeFirst` alone. Any error
 * leaves it useless.
 */
export class NoiseInitiator {
  private constructor(
    private readonly state: SymmetricState,
    private readonly own: NoiseKeyPair,
    private readonly ephemeral: NoiseKeyPair,
    private readonly responder: Bytes,
    private readonly psk: Bytes | undefined,
  ) {}

  /** @param psk 32 bytes: IKpsk2 instead of IK. */
  static create(
    prologue: Uint8Array,
    own: NoiseKeyPair,
    ephemeral: NoiseKeyPair,
    responder: Uint8Array,
    psk?: Bytes,
  ): Promise<NoiseInitiator> {
    return NoiseInitiator.start(psk ? "IKpsk2" : "IK", prologue, own, ephemeral, responder, psk);
  }

  /** For one message without an answer. */
  static forLetter(prologue: Uint8Array, own: NoiseKeyPair, ephemeral: NoiseKeyPair, responder: Uint8Array): Promise<NoiseInitiator> {
    return NoiseInitiator.start("X", prologue, own, ephemeral, responder);
  }

  private static async start(
    pattern: string,
    prologue: Uint8Array,
    own: NoiseKeyPair,
    ephemeral: NoiseKeyPair,
    responder: Uint8Array,
    psk?: Bytes,
  ): Promise<NoiseInitiator> {
    const state = await SymmetricState.create(`Noise_${pattern}_${own.functionName}_AESGCM_SHA256`);
    await state.mixHash(prologue);
    await state.mixHash(responder);
    return new NoiseInitiator(state, own, ephemeral, copy(responder), psk);
  }

  /** The hash over the whole handshake, once both messages are through. */
  get hash(): Bytes {
    return this.state.hash;
  }

  /** e, es, s, ss */
  async writeFirst(payload: Bytes): Promise<Bytes> {
    await this.mixEphemeral(this.ephemeral.publicKey);
    await this.state.mixKey(await this.ephemeral.agree(this.responder));
    const sealedKey = await this.state.encryptAndHash(this.own.publicKey);
    await this.state.mixKey(await this.own.agree(this.responder));
    const sealedPayload = await this.state.encryptAndHash(payload);
    return concat(this.ephemeral.publicKey, sealedKey, sealedPayload);
  }

  /** e, ee, se (, psk) */
  async readSecond(message: Uint8Array): Promise<Bytes> {
    const keyBytes = this.own.publicKey.length;
    if (message.length < keyBytes + TAG_BYTES) throw new ChannelError("malformed", "a handshake message is too short");
    const ephemeral = copy(message.subarray(0, keyBytes));
    await this.mixEphemeral(ephemeral);
    await this.state.mixKey(await this.ephemeral.agree(ephemeral));
    await this.state.mixKey(await this.own.agree(ephemeral));
    if (this.psk) await this.state.mixKeyAndHash(this.psk);
    return this.state.decryptAndHash(copy(message.subarray(keyBytes)));
  }

  /** The transport keys: initiator to responder, responder to initiator. */
  split(): Promise<[Bytes, Bytes]> {
    return this.state.split();
  }

  private async mixEphemeral(publicKey: Bytes): Promise<void> {
    await this.state.mixHash(publicKey);
    if (this.psk) await this.state.mixKey(publicKey); // section 9.2
  }
}
