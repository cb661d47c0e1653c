import { type Bytes, concat, fromBase64Url, toBase64Url, utf8 } from "./bytes";
import { ChannelError } from "./errors";
import { hkdf } from "./noise";
import { idOf, importAgreementKey, PUBLIC_KEY_BYTES } from "./p256";

const VERSION = 1;
const OFFER_ID_BYTES = 8;
const SECRET_BYTES = 16;
const LINK_BYTES = 1 + PUBLIC_KEY_BYTES + OFFER_ID_BYTES + SECRET_BYTES;
const LINK_CHARACTERS = (LINK_BYTES / 3) * 4; // 90 bytes: no padding and no stray bits, so one link has one spelling

/** What the QR code says. The secret is in it: never log or store one, and take it out of the address bar once it is read. */
export interface PairingLink {
  readonly machineId: string;
  /** The machine's static key, 65 bytes, on the curve. */
  readonly machinePublicKey: Bytes;
  readonly offerId: Bytes;
  readonly secret: Bytes;
}

/** Reads the 120 characters after `#pair=`. @throws ChannelError `link_malformed`, `link_version`, `bad_key` */
export async function parsePairingPayload(payload: string): Promise<PairingLink> {
  const bytes = payload === "" ? undefined : fromBase64Url(payload);
  if (!bytes) throw new ChannelError("link_malformed", "a pairing link is base64url without padding");
  if (payload.length !== LINK_CHARACTERS || bytes[0] !== VERSION) {
    // Another version may have another length; its first byte shows in the first characters.
    if (payload.length >= 4 && bytes[0] !== VERSION) {
      throw new ChannelError("link_version", "the pairing link is of another version; update the older of app and machine");
    }
    throw new ChannelError("link_malformed", "a pairing link has the wrong length; it was probably cut");
  }
  const machinePublicKey = bytes.slice(1, 1 + PUBLIC_KEY_BYTES);
  await importAgreementKey(machinePublicKey);
  return {
    machineId: await idOf(machinePublicKey),
    machinePublicKey,
    offerId: bytes.slice(1 + PUBLIC_KEY_BYTES, LINK_BYTES - SECRET_BYTES),
    secret: bytes.slice(LINK_BYTES - SECRET_BYTES),
  };
}

/** Reads an address whose fragment is `#pair=payload` and nothing else. @throws as `parsePairingPayload` */
export async function parsePairingUrl(url: string): Promise<PairingLink> {
  const start = url.indexOf("#");
  if (start < 0 || !url.startsWith("#pair=", start)) {
    throw new ChannelError("link_malformed", "the address has no #pair= part");
  }
  return parsePairingPayload(url.slice(start + "#pair=".length));
}

/** Writes the 120 characters; a device that shows a link of its machine to another device uses it. */
export const formatPairingPayload = (link: Pick<PairingLink, "machinePublicKey" | "offerId" | "secret">): string =>
  toBase64Url(concat(Uint8Array.of(VERSION), link.machinePublicKey, link.offerId, link.secret));

/** How the secret becomes Noise's psk. (An empty HKDF salt is 32 zero bytes.) */
export async function pskOf(secret: Bytes): Promise<Bytes> {
  const [psk] = await hkdf(new Uint8Array(32), secret, 1, utf8("pocketcoder pairing psk"));
  return psk!;
}
