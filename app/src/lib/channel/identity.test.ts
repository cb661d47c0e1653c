// @vitest-environment node
import { describe, expect, it } from "vitest";
import { DeviceIdentity, KnownMachines } from "./identity";
import { generateSigningKeys } from "./p256";
import { sign, signedText, verify } from "./signatures";
import { codeOf, hex, memoryStore, vectors } from "./testing";

describe("the identity of a device", () => {
  it("is made once and the same ever after", async () => {
    const store = memoryStore();
    const made = await DeviceIdentity.loadOrCreate(store);
    const loaded = await DeviceIdentity.loadOrCreate(store);
    expect(loaded.id).toBe(made.id);
    expect(loaded.publicKey).toEqual(made.publicKey);
    expect(await verify(made.signingPublicKey, await loaded.sign("d", "x"), "d", "x")).toBe(true);
    expect(made.publicKey).not.toEqual(made.signingPublicKey);
  });

  it("is the same for tabs that start at once", async () => {
    const store = memoryStore();
    const tabs = await Promise.all(Array.from({ length: 8 }, () => DeviceIdentity.loadOrCreate(store)));
    expect(new Set(tabs.map((tab) => tab.id)).size).toBe(1);
  });

  it("has private keys that cannot be read out", async () => {
    const store = memoryStore();
    await DeviceIdentity.loadOrCreate(store);
    const stored = store.values.get("identity") as { agreement: CryptoKeyPair; signing: CryptoKeyPair };
    for (const { privateKey } of [stored.agreement, stored.signing]) {
      expect(privateKey.extractable).toBe(false);
      await expect(crypto.subtle.exportKey("pkcs8", privateKey)).rejects.toThrow();
      await expect(crypto.subtle.exportKey("jwk", privateKey)).rejects.toThrow();
    }
  });

  it.each([null, 1, {}, { v: 2 }, { v: 1, agreement: {}, signing: {} }])("is never replaced when %j is stored instead", async (stored) => {
    const store = memoryStore();
    await store.put("identity", stored);
    expect(await codeOf(DeviceIdentity.loadOrCreate(store))).toBe("identity_malformed");
    expect(await store.get("identity")).toBe(stored);
  });
});

describe("the machines that a device knows", () => {
  const machine = {
    publicKey: hex(vectors.machine.publicKey),
    signingPublicKey: hex(vectors.machine.signingPublicKey),
    name: "workshop",
  };

  it("are remembered, renamed and forgotten", async () => {
    const machines = new KnownMachines(memoryStore());
    const known = await machines.remember(machine);
    expect(known).toEqual({ ...machine, id: vectors.machine.id });
    await machines.remember({ ...machine, name: "attic" });
    expect(await machines.all()).toEqual([{ ...known, name: "attic" }]);
    expect((await machines.find(known.id))?.name).toBe("attic");
    await machines.forget(known.id);
    expect(await machines.all()).toEqual([]);
    expect(await machines.find(known.id)).toBeUndefined();
  });

  it("keep their keys: another signing key for a known machine is refused", async () => {
    const machines = new KnownMachines(memoryStore());
    const known = await machines.remember(machine);
    expect(await codeOf(machines.remember({ ...machine, signingPublicKey: hex(vectors.device.signingPublicKey) }))).toBe("bad_key");
    expect(await machines.find(known.id)).toEqual(known);
  });

  it("are only those whose keys are keys", async () => {
    const machines = new KnownMachines(memoryStore());
    expect(await codeOf(machines.remember({ ...machine, publicKey: new Uint8Array(65) }))).toBe("bad_key");
    expect(await codeOf(machines.remember({ ...machine, signingPublicKey: new Uint8Array(65) }))).toBe("bad_key");
    expect(await machines.all()).toEqual([]);
  });

  it("are listed without entries that are damaged", async () => {
    const store = memoryStore();
    const machines = new KnownMachines(store);
    const known = await machines.remember(machine);
    await store.put("machine:damaged", { id: "damaged" });
    expect(await machines.all()).toEqual([known]);
    expect(await machines.find("damaged")).toBeUndefined();
  });

  it("are found under their own id only", async () => {
    const store = memoryStore();
    const machines = new KnownMachines(store);
    await store.put("machine:moved", await machines.remember(machine));
    expect(await machines.find("moved")).toBeUndefined();
  });
});

describe("signatures", () => {
  it("are over well-formed text only", async () => {
    const keys = await generateSigningKeys();
    const high = (signature: Uint8Array): boolean => signature[32]! >= 0x80; // s above half of the order, which begins with 7f
    for (let round = 0; round < 40; round++) expect(high(await sign(keys.privateKey, "d", String(round)))).toBe(false);
    expect(await codeOf(sign(keys.privateKey, "d", "\ud800"))).toBe("field_invalid");
    expect(await codeOf(sign(keys.privateKey, "d", "a\nb"))).toBe("field_invalid");
    expect(signedText("d", "\u{1f511}").length).toBe(6);
  });
});
