import { type Bytes, copy, equal } from "./bytes";
import { ChannelError } from "./errors";
import { exportPublic, generateAgreementKeys, generateSigningKeys, idOf, importAgreementKey, importSigningKey, P256KeyPair } from "./p256";
import { sign } from "./signatures";
import type { KeyValueStore } from "./store";

const IDENTITY = "identity";
const MACHINE = "machine:";

interface StoredIdentity {
  readonly v: 1;
  readonly agreement: CryptoKeyPair;
  readonly signing: CryptoKeyPair;
}

/**
 * Who this device is: a static ECDH key (the channel's identity) and an ECDSA key (decisions), both P-256. The private halves are
 * not extractable: script can use them while it runs here, and never take them elsewhere.
 */
export class DeviceIdentity {
  private constructor(
    readonly id: string,
    /** @internal */
    readonly agreement: P256KeyPair,
    private readonly signingKey: CryptoKey,
    /** The key that checks this device's signatures, 65 bytes. */
    readonly signingPublicKey: Bytes,
  ) {}

  /** The static channel key, 65 bytes. */
  get publicKey(): Bytes {
    return this.agreement.publicKey;
  }

  /**
   * Loads the identity of this browser, or makes and stores one. Tabs that do this at once get the same.
   * @throws ChannelError `identity_malformed`: something else is stored; it is never replaced silently, since every pairing hangs on it
   */
  static async loadOrCreate(store: KeyValueStore): Promise<DeviceIdentity> {
    const present = await store.get(IDENTITY);
    if (present !== undefined) return DeviceIdentity.restore(present);
    const [agreement, signing] = await Promise.all([generateAgreementKeys(), generateSigningKeys()]);
    const made: StoredIdentity = { v: 1, agreement, signing };
    return DeviceIdentity.restore(await store.putIfAbsent(IDENTITY, made));
  }

  /** @internal From keys in hand. */
  static async from(agreementKeys: CryptoKeyPair, signingKeys: CryptoKeyPair): Promise<DeviceIdentity> {
    const agreement = await P256KeyPair.from(agreementKeys);
    const signingPublicKey = await exportPublic(signingKeys.publicKey);
    return new DeviceIdentity(await idOf(agreement.publicKey), agreement, signingKeys.privateKey, signingPublicKey);
  }

  /** Signs with this device's signing key; see `signedText` for what exactly. @throws ChannelError `field_invalid` */
  sign(domain: string, ...fields: readonly string[]): Promise<Bytes> {
    return sign(this.signingKey, domain, ...fields);
  }

  private static async restore(stored: unknown): Promise<DeviceIdentity> {
    if (!isStoredIdentity(stored)) {
      throw new ChannelError("identity_malformed", "what this browser stored as its identity is none; remove the site data and pair anew");
    }
    return DeviceIdentity.from(stored.agreement, stored.signing);
  }
}

/** A machine that this device was paired with. */
export interface KnownMachine {
  readonly id: string;
  /** Its static channel key, 65 bytes. */
  readonly publicKey: Bytes;
  /** The key that checks its signatures (ledger heads), 65 bytes. */
  readonly signingPublicKey: Bytes;
  /** What people call it. */
  readonly name: string;
}

/** The machines that this device knows. A machine's keys are pinned: they never change under the same id. */
export class KnownMachines {
  constructor(private readonly store: KeyValueStore) {}

  /** All of them; entries that are damaged are left out (such a machine must be paired anew). */
  async all(): Promise<KnownMachine[]> {
    return (await this.store.list(MACHINE)).filter(isKnownMachine);
  }

  async find(id: string): Promise<KnownMachine | undefined> {
    const stored = await this.store.get(MACHINE + id);
    return isKnownMachine(stored) && stored.id === id ? stored : undefined;
  }

  /**
   * Remembers a machine, or renames one.
   * @throws ChannelError `bad_key`: not keys, or not those under which this machine is known; forget it first if that is meant
   */
  async remember(machine: Omit<KnownMachine, "id">): Promise<KnownMachine> {
    await Promise.all([importAgreementKey(machine.publicKey), importSigningKey(machine.signingPublicKey)]);
    const id = await idOf(machine.publicKey);
    const known = await this.find(id);
    if (known && !(equal(known.publicKey, machine.publicKey) && equal(known.signingPublicKey, machine.signingPublicKey))) {
      throw new ChannelError("bad_key", "this machine is known with other keys");
    }
    const entry: KnownMachine = {
      id,
      publicKey: copy(machine.publicKey),
      signingPublicKey: copy(machine.signingPublicKey),
      name: machine.name,
    };
    await this.store.put(MACHINE + id, entry);
    return entry;
  }

  async forget(id: string): Promise<void> {
    await this.store.delete(MACHINE + id);
  }
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === "object" && value !== null;

const isKeyPair = (value: unknown): value is CryptoKeyPair =>
  isObject(value) && value["privateKey"] instanceof CryptoKey && value["publicKey"] instanceof CryptoKey;

const isStoredIdentity = (value: unknown): value is StoredIdentity =>
  isObject(value) && value["v"] === 1 && isKeyPair(value["agreement"]) && isKeyPair(value["signing"]);

const isKnownMachine = (value: unknown): value is KnownMachine =>
  isObject(value) &&
  typeof value["id"] === "string" &&
  typeof value["name"] === "string" &&
  value["publicKey"] instanceof Uint8Array &&
  value["signingPublicKey"] instanceof Uint8Array;
