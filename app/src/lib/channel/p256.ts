import { type Bytes, copy, toHex } from "./bytes";
import { ChannelError } from "./errors";
import type { NoiseKeyPair } from "./noise";

/** Bytes of a public key: 0x04, x, y. */
export const PUBLIC_KEY_BYTES = 65;

const ECDH = { name: "ECDH", namedCurve: "P-256" } as const;
const ECDSA = { name: "ECDSA", namedCurve: "P-256" } as const;

/**
 * Imports a public key. WebCrypto refuses anything but a point of the curve (Web Cryptography, section 24.4.4; P-256 has cofactor 1,
 * so there are no points of low order); what it accepts beyond the 65-byte form, compressed points, is refused here.
 */
async function importPublic(publicKey: Uint8Array, algorithm: EcKeyImportParams, usages: KeyUsage[]): Promise<CryptoKey> {
  if (publicKey.length !== PUBLIC_KEY_BYTES || publicKey[0] !== 4) throw notAKey();
  try {
    return await crypto.subtle.importKey("raw", copy(publicKey), algorithm, true, usages);
  } catch {
    throw notAKey();
  }
}

const notAKey = (): ChannelError => new ChannelError("bad_key", "not an uncompressed point of P-256");

export const importAgreementKey = (publicKey: Uint8Array): Promise<CryptoKey> => importPublic(publicKey, ECDH, []);
export const importSigningKey = (publicKey: Uint8Array): Promise<CryptoKey> => importPublic(publicKey, ECDSA, ["verify"]);

/** Key pairs whose private half no script can read out. */
export const generateAgreementKeys = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey(ECDH, false, ["deriveBits"]);
export const generateSigningKeys = (): Promise<CryptoKeyPair> => crypto.subtle.generateKey(ECDSA, false, ["sign", "verify"]);

export const exportPublic = async (key: CryptoKey): Promise<Bytes> => new Uint8Array(await crypto.subtle.exportKey("raw", key));

/** The id that belongs to a static key: lower-case hex of the first 16 bytes of its SHA-256. It names; it does not authenticate. */
export async function idOf(publicKey: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", copy(publicKey));
  return toHex(new Uint8Array(hash, 0, 16));
}

/** A key pair as the Noise state machine wants it. */
export class P256KeyPair implements NoiseKeyPair {
  readonly functionName = "P256";

  private constructor(
    private readonly privateKey: CryptoKey,
    readonly publicKey: Bytes,
  ) {}

  static async from(keys: CryptoKeyPair): Promise<P256KeyPair> {
    return new P256KeyPair(keys.privateKey, await exportPublic(keys.publicKey));
  }

  static async generate(): Promise<P256KeyPair> {
    return P256KeyPair.from(await generateAgreementKeys());
  }

  async agree(peerPublicKey: Uint8Array): Promise<Bytes> {
    const peer = await importAgreementKey(peerPublicKey);
    const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: peer }, this.privateKey, 256));
    // x = 0 is a coordinate of the curve, but no honest key meets it: whoever brings it about chose the public key for it.
    if (shared.every((byte) => byte === 0)) throw new ChannelError("bad_key", "the key agreement gave zero");
    return shared;
  }
}
