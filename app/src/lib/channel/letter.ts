import { type Bytes, concat, utf8 } from "./bytes";
import { ChannelError } from "./errors";
import { FrameKind } from "./frames";
import type { DeviceIdentity } from "./identity";
import { NoiseInitiator, TAG_BYTES } from "./noise";
import { idOf, importAgreementKey, P256KeyPair } from "./p256";

const KEY_BYTES = 65;

/** What a letter can say, in bytes: a whole one is a frame of 64 KiB. */
export const LETTER_TEXT_BYTES = 64 * 1024 - 1 - KEY_BYTES - (KEY_BYTES + TAG_BYTES) - TAG_BYTES;

/**
 * Seals a text for a machine that is away (docs/channel.md, "Letters"): only the machine can open it, and knows this device from it.
 * @param ephemeral Only tests choose.
 * @throws ChannelError `bad_key`, `too_large`
 */
export async function sealLetter(
  device: DeviceIdentity,
  machinePublicKey: Uint8Array,
  text: Bytes,
  ephemeral?: P256KeyPair,
): Promise<Bytes> {
  if (text.length > LETTER_TEXT_BYTES) throw new ChannelError("too_large", "the letter is too long");
  await importAgreementKey(machinePublicKey);
  const noise = await NoiseInitiator.forLetter(
    utf8(`pocketcoder letter/1${await idOf(machinePublicKey)}`),
    device.agreement,
    ephemeral ?? (await P256KeyPair.generate()),
    machinePublicKey,
  );
  return concat(Uint8Array.of(FrameKind.Letter), await noise.writeFirst(text));
}
