/** What this folder's tests share. Not part of the library. */
import channelJson from "../../../../tests/vectors/channel.json";
import noiseJson from "../../../../tests/vectors/channel-noise.json";
import type { Bytes } from "./bytes";
import { type ChannelLimits, DEFAULT_LIMITS, DeviceChannel } from "./channel";
import { ChannelError, type ChannelErrorCode } from "./errors";
import { DeviceHandshake } from "./handshake";
import { DeviceIdentity } from "./identity";
import { P256KeyPair } from "./p256";
import { type PairingLink, parsePairingPayload } from "./pairing";
import type { KeyValueStore } from "./store";

export const vectors = channelJson;
export const noiseVectors = noiseJson;

export const hex = (text: string): Bytes => Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));

/** The code of the ChannelError that a promise is rejected with; anything else fails the test. */
export async function codeOf(promise: Promise<unknown>): Promise<ChannelErrorCode> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof ChannelError) return error.code;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export async function importKeys(privateKey: string, publicKey: string, name: "ECDH" | "ECDSA"): Promise<CryptoKeyPair> {
  const algorithm = { name, namedCurve: "P-256" };
  const [privateUse, publicUse]: [KeyUsage, KeyUsage[]] = name === "ECDH" ? ["deriveBits", []] : ["sign", ["verify"]];
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", hex(privateKey), algorithm, false, [privateUse]),
    publicKey: await crypto.subtle.importKey("raw", hex(publicKey), algorithm, true, publicUse),
  };
}

export async function testDevice(): Promise<DeviceIdentity> {
  const { privateKey, publicKey, signingPrivateKey, signingPublicKey } = vectors.device;
  return DeviceIdentity.from(
    await importKeys(privateKey, publicKey, "ECDH"),
    await importKeys(signingPrivateKey, signingPublicKey, "ECDSA"),
  );
}

export const testLink = (): Promise<PairingLink> => parsePairingPayload(vectors.pairing.payload);

export type HandshakeVector = (typeof vectors.handshakes)[number];

export function handshakeVector(name: string): HandshakeVector {
  const found = vectors.handshakes.find((entry) => entry.name === name);
  if (!found) throw new Error(`no handshake vector '${name}'`);
  return found;
}

/** The handshake of a vector, with its ephemeral key. */
export async function beginAsVector(vector: HandshakeVector): Promise<DeviceHandshake> {
  const ephemeral = await P256KeyPair.from(await importKeys(vector.deviceEphemeral, vector.deviceEphemeralPublic, "ECDH"));
  return vector.name === "pair"
    ? DeviceHandshake.beginPairing(await testDevice(), await testLink(), { ephemeral })
    : DeviceHandshake.begin(await testDevice(), hex(vectors.machine.publicKey), { ephemeral });
}

export const SMALL: ChannelLimits = {
  maxFrameBytes: vectors.transport.maxFrameBytes,
  maxMessageBytes: vectors.transport.maxMessageBytes,
  rekeyInterval: BigInt(vectors.transport.rekeyInterval),
};

/** Both ends of the reconnect vector's channel; the machine's end is the same code with the keys the other way round. */
export async function channels(limits: ChannelLimits = DEFAULT_LIMITS): Promise<{ device: DeviceChannel; machine: DeviceChannel }> {
  const { keyToMachine, keyToDevice, handshakeHash } = handshakeVector("reconnect");
  return {
    device: await DeviceChannel.create(hex(keyToMachine), hex(keyToDevice), hex(handshakeHash), limits),
    machine: await DeviceChannel.create(hex(keyToDevice), hex(keyToMachine), hex(handshakeHash), limits),
  };
}

/** Opens frames that must make up one message. */
export async function openAll(channel: DeviceChannel, frames: readonly Uint8Array[]): Promise<Bytes> {
  let message: Bytes | null = null;
  for (const frame of frames) {
    if (message) throw new Error("the message was complete before its last frame");
    message = await channel.open(frame);
  }
  if (!message) throw new Error("the message is not complete");
  return message;
}

/** A store in memory, with the one-step promise of `putIfAbsent`. */
export function memoryStore(): KeyValueStore & { readonly values: Map<string, unknown> } {
  const values = new Map<string, unknown>();
  return {
    values,
    get: async (key) => values.get(key),
    put: async (key, value) => void values.set(key, value),
    putIfAbsent: async (key, value) => {
      if (!values.has(key)) values.set(key, value);
      return values.get(key);
    },
    delete: async (key) => void values.delete(key),
    list: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)).map(([, value]) => value),
  };
}

/** A small seeded generator (mulberry32), so that a failed fuzz round can be run again. */
export function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Damages a frame; what comes back always differs from what went in. */
export function bend(good: Uint8Array, below: (limit: number) => number, largest: number): Bytes {
  const some = (length: number): number[] => Array.from({ length }, () => below(256));
  for (;;) {
    let bent = Array.from(good);
    const at = below(bent.length);
    switch (below(5)) {
      case 0:
        bent = bent.slice(0, at);
        break;
      case 1:
        bent.push(...some(1 + below(largest)));
        break;
      case 2:
        bent.splice(at, 0, ...some(1 + below(3)));
        break;
      case 3:
        bent.splice(at, 1, below(256));
        break;
      default:
        bent[at] = (bent[at] ?? 0) ^ (1 << below(8));
    }
    if (bent.length !== good.length || bent.some((byte, index) => byte !== good[index])) return Uint8Array.from(bent);
  }
}
