// @vitest-environment node
/** This side against the files that the C# side makes and checks itself against, and against the published Noise vectors. */
import { describe, expect, it } from "vitest";
import { type Bytes, concat, equal, toHex, utf8 } from "./bytes";
import { DEFAULT_LIMITS, DeviceChannel } from "./channel";
import { parseClose } from "./frames";
import { DeviceHandshake } from "./handshake";
import { LETTER_TEXT_BYTES, sealLetter } from "./letter";
import { encrypt, NoiseInitiator, importAesKey, type NoiseKeyPair } from "./noise";
import { idOf, importAgreementKey, importSigningKey, P256KeyPair } from "./p256";
import { formatPairingPayload, parsePairingPayload, parsePairingUrl, pskOf } from "./pairing";
import { signedText, verify } from "./signatures";
import {
  beginAsVector,
  channels,
  codeOf,
  handshakeVector,
  hex,
  importKeys,
  noiseVectors,
  openAll,
  SMALL,
  testDevice,
  vectors,
} from "./testing";

/** X25519, only for the published vectors. */
async function x25519(privateKey: string, publicKey: Uint8Array): Promise<NoiseKeyPair> {
  const key = await crypto.subtle.importKey("pkcs8", concat(hex("302e020100300506032b656e04220420"), hex(privateKey)), "X25519", false, [
    "deriveBits",
  ]);
  return {
    functionName: "25519",
    publicKey: concat(publicKey),
    agree: async (peer) => {
      const imported = await crypto.subtle.importKey("raw", concat(peer), "X25519", true, []);
      return new Uint8Array(await crypto.subtle.deriveBits({ name: "X25519", public: imported }, key, 256));
    },
  };
}

describe("the published Noise vectors", () => {
  it.each(noiseVectors.protocols)("hold for the initiator of $name", async ({ psk, messages, handshakeHash }) => {
    const bytes = messages.map(hex);
    const payloads = noiseVectors.payloads.map(hex);
    const basePoint: Bytes = Uint8Array.from({ length: 32 }, (_, index) => (index === 0 ? 9 : 0));
    const unknown = await x25519(noiseVectors.initiatorStatic, basePoint);
    const own = await x25519(noiseVectors.initiatorStatic, await unknown.agree(basePoint));
    const ephemeral = await x25519(noiseVectors.initiatorEphemeral, bytes[0]!.subarray(0, 32));
    const initiator = await NoiseInitiator.create(
      hex(noiseVectors.prologue),
      own,
      ephemeral,
      hex(noiseVectors.responderStaticPublic),
      psk ? hex(noiseVectors.psk) : undefined,
    );
    expect(toHex(await initiator.writeFirst(payloads[0]!))).toBe(messages[0]);
    expect(await initiator.readSecond(bytes[1]!)).toEqual(payloads[1]);
    expect(toHex(initiator.hash)).toBe(handshakeHash);
    const keys = await Promise.all((await initiator.split()).map(importAesKey));
    for (let index = 2; index < bytes.length; index++) {
      const sealed = await encrypt(keys[index % 2]!, BigInt((index >> 1) - 1), new Uint8Array(0), payloads[index]!);
      expect(toHex(sealed)).toBe(messages[index]);
    }
  });
});

describe("the vectors shared with the machine", () => {
  it("name the limits that this side has", () => {
    expect(DEFAULT_LIMITS).toEqual({ ...vectors.limits, rekeyInterval: BigInt(vectors.limits.rekeyInterval) });
  });

  it("give every identity its id and keys", async () => {
    const device = await testDevice();
    expect([device.id, toHex(device.publicKey), toHex(device.signingPublicKey)]).toEqual([
      vectors.device.id,
      vectors.device.publicKey,
      vectors.device.signingPublicKey,
    ]);
    expect(await idOf(hex(vectors.machine.publicKey))).toBe(vectors.machine.id);
  });

  it("give the letter, with the same ephemeral key", async () => {
    const { ephemeral, text, frame } = vectors.letter;
    const device = await testDevice();
    const keys = await P256KeyPair.from(await importKeys(ephemeral, handshakeVector("reconnect").deviceEphemeralPublic, "ECDH"));
    const sealed = await sealLetter(device, hex(vectors.machine.publicKey), utf8(text), keys);
    expect(toHex(sealed)).toBe(frame);
    const another = await sealLetter(device, hex(vectors.machine.publicKey), utf8(text));
    expect([another.length, equal(another, sealed)]).toEqual([sealed.length, false]);
    await expect(sealLetter(device, hex(vectors.machine.publicKey), new Uint8Array(LETTER_TEXT_BYTES + 1))).rejects.toThrow("too long");
  });

  it.each(["reconnect", "pair"])("give both frames and the keys of the %s handshake", async (name) => {
    const vector = handshakeVector(name);
    const handshake = await beginAsVector(vector);
    expect(handshake.machineId).toBe(vectors.machine.id);
    expect(toHex(handshake.firstFrame)).toBe(vector.firstFrame);
    const channel = await handshake.complete(hex(vector.secondFrame));
    expect(toHex(channel.handshakeHash)).toBe(vector.handshakeHash);
    const expected = await DeviceChannel.create(
      hex(vector.keyToMachine),
      hex(vector.keyToDevice),
      hex(vector.handshakeHash),
      DEFAULT_LIMITS,
    );
    expect(await channel.seal(hex("00"))).toEqual(await expected.seal(hex("00")));
  });

  it.each(vectors.badAnswers)("refuse an answer: $handshake, $what", async ({ handshake, frame, error }) => {
    const begun = await beginAsVector(handshakeVector(handshake));
    expect(await codeOf(begun.complete(hex(frame)))).toBe(error);
    await expect(begun.complete(hex(frame))).rejects.toThrow("once");
  });

  it("give every sealed frame to the machine", async () => {
    const { device } = await channels(SMALL);
    for (const { message, frames } of vectors.transport.toMachine) {
      expect((await device.seal(hex(message))).map(toHex)).toEqual(frames);
    }
  });

  it("give every message from the machine", async () => {
    const { device } = await channels(SMALL);
    for (const { message, frames } of vectors.transport.toDevice) {
      expect(toHex(await openAll(device, frames.map(hex)))).toBe(message);
    }
  });

  it("give the frames of a message larger than a frame", async () => {
    const { device, machine } = await channels();
    const message = Uint8Array.from({ length: 70_000 }, (_, index) => index % 251);
    const frames = await device.seal(message);
    const hashes = await Promise.all(frames.map(async (frame) => toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", frame)))));
    expect(hashes).toEqual(vectors.transport.largeToMachine.frameHashes);
    expect(equal(await openAll(machine, frames), message)).toBe(true);
  });

  it.each(vectors.badFrames)("refuse a frame: $what", async ({ frame, error }) => {
    const { device } = await channels(SMALL);
    const first = hex(vectors.transport.toDevice[0]!.frames[0]!);
    expect(await device.open(first)).toBeNull();
    expect(await codeOf(device.open(hex(frame)))).toBe(error);
    expect(device.isPoisoned).toBe(true);
    expect(await codeOf(device.open(first))).toBe("poisoned");
    expect(await codeOf(device.seal(hex("00")))).toBe("poisoned");
  });

  it("give the pairing link and its key", async () => {
    const { payload, url, psk, machineId, machinePublicKey, offerId, secret } = vectors.pairing;
    const link = await parsePairingUrl(url);
    expect(link).toEqual(await parsePairingPayload(payload));
    expect([link.machineId, toHex(link.machinePublicKey), toHex(link.offerId), toHex(link.secret)]).toEqual([
      machineId,
      machinePublicKey,
      offerId,
      secret,
    ]);
    expect(formatPairingPayload(link)).toBe(payload);
    expect(toHex(await pskOf(link.secret))).toBe(psk);
  });

  it.each(vectors.badLinks)('refuse the link "$payload"', async ({ payload, error }) => {
    expect(await codeOf(parsePairingPayload(payload))).toBe(error);
  });

  it.each(vectors.badPublicKeys)("refuse the public key %s", async (key) => {
    expect(await codeOf(importAgreementKey(hex(key)))).toBe("bad_key");
    expect(await codeOf(importSigningKey(hex(key)))).toBe("bad_key");
    expect(await codeOf(DeviceHandshake.begin(await testDevice(), hex(key)))).toBe("bad_key");
  });

  it("refuse a key that brings the agreement to zero", async () => {
    const machine = await P256KeyPair.from(await importKeys(vectors.machine.privateKey, vectors.machine.publicKey, "ECDH"));
    expect(await codeOf(machine.agree(hex(vectors.zeroAgreement.publicKey)))).toBe("bad_key");
  });

  it.each(vectors.signatures)(
    "verify the signature over $fields and no other text",
    async ({ domain, fields, text, publicKey, signature }) => {
      expect(toHex(signedText(domain, ...fields))).toBe(text);
      expect(await verify(hex(publicKey), hex(signature), domain, ...fields)).toBe(true);
      expect(await verify(hex(publicKey), hex(signature), domain, ...fields, "")).toBe(false);
      expect(await verify(hex(publicKey), hex(signature), `${domain}x`, ...fields)).toBe(false);
      expect(await verify(hex(publicKey), hex(signature).subarray(1), domain, ...fields)).toBe(false);
      expect(await verify(new Uint8Array(65), hex(signature), domain, ...fields)).toBe(false);
    },
  );

  it.each(vectors.badTexts)("refuse to sign $domain, $fields", async ({ domain, fields }) => {
    expect(await codeOf((async () => signedText(domain, ...fields))())).toBe("field_invalid");
    expect(await verify(hex(vectors.device.signingPublicKey), new Uint8Array(64), domain, ...fields)).toBe(false);
  });

  it.each(vectors.closeFrames)("read the close frame $frame", ({ frame, reason }) => {
    expect(parseClose(hex(frame))).toEqual(reason ?? undefined);
  });
});
