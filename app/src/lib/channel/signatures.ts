import { type Bytes, concat, copy, toHex, utf8 } from "./bytes";
import { ChannelError } from "./errors";
import { importSigningKey } from "./p256";

const ALGORITHM = { name: "ECDSA", hash: "SHA-256" } as const;

const isText = (text: string): boolean => !text.includes("\n") && !/\p{Surrogate}/u.test(text);

/**
 * The exact bytes that are signed: UTF-8 of the domain, a line feed, and the fields joined by line feeds. The domain says what is
 * signed, so that a signature for one purpose never serves another.
 * @throws ChannelError `field_invalid`: a line feed or lone surrogate somewhere, an empty domain, or no field
 */
export function signedText(domain: string, ...fields: readonly string[]): Bytes {
  if (domain === "" || fields.length === 0 || ![domain, ...fields].every(isText)) {
    throw new ChannelError("field_invalid", "a signature needs a domain and at least one field, of well-formed text without line feeds");
  }
  return utf8([domain, ...fields].join("\n"));
}

/** ECDSA P-256 with SHA-256; 64 bytes, r then s, the lower one. Signatures are not unique: never use one as an id. */
export async function sign(privateKey: CryptoKey, domain: string, ...fields: readonly string[]): Promise<Bytes> {
  return lowS(new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, signedText(domain, ...fields))));
}

/** The order of P-256. With (r, s) also (r, n - s) verifies; only the lower s is given and taken, so that nobody makes a second signature of one. */
const ORDER = BigInt("0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");

const sOf = (signature: Uint8Array): bigint => BigInt(`0x${toHex(signature.subarray(32))}`);

const isLowS = (signature: Uint8Array): boolean => sOf(signature) <= ORDER / 2n;

/** The same signature with the lower s. */
function lowS(signature: Bytes): Bytes {
  if (isLowS(signature)) return signature;
  const s = (ORDER - sOf(signature)).toString(16).padStart(64, "0");
  return concat(
    signature.subarray(0, 32),
    Uint8Array.from({ length: 32 }, (_, index) => parseInt(s.slice(2 * index, 2 * index + 2), 16)),
  );
}

/** Whether the signature is valid. Input that could not have been signed simply is not: this never throws for bad data. */
export async function verify(
  signingPublicKey: Uint8Array,
  signature: Uint8Array,
  domain: string,
  ...fields: readonly string[]
): Promise<boolean> {
  try {
    const text = signedText(domain, ...fields);
    const key = await importSigningKey(signingPublicKey);
    return signature.length === 64 && isLowS(signature) && (await crypto.subtle.verify(ALGORITHM, key, copy(signature), text));
  } catch (error) {
    if (error instanceof ChannelError) return false;
    throw error;
  }
}
