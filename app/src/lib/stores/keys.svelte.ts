import { Limits, type MachineInfo, type ProviderKeyCheckResponse, type ProviderKeyInfo, type Requests } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";

/** The part of the client that is needed here. */
interface Asking {
  request<T extends "provider_key_set" | "provider_key_remove" | "provider_key_check">(
    type: T,
    payload: Requests[T]["request"],
  ): Promise<Requests[T]["response"]>;
}

/** When each provider's key was set, as this device knows it. Null: there was none. */
type Seen = Record<string, string | null>;

/** Where `values` has what this device saw. */
const SEEN = "keys";

/** Whether the machine takes it from a device: ASCII that can be seen, without spaces. */
export const isKey = (value: string): boolean =>
  value.length >= Limits.providerKeyShortest && value.length <= Limits.providerKeyLongest && /^[!-~]+$/.test(value);

/**
 * The keys of model providers on the machine: what changed since a person looked here, so that nobody's hand goes unseen, and the ways to change them. A value
 * passes through once and is kept nowhere.
 */
export class ProviderKeys {
  readonly #client: Asking;
  readonly #storage: MachineStorage;
  readonly #machine: () => MachineInfo | null;
  #seen = $state.raw<Seen | null>(null);
  #loaded = $state(false);
  /** Changed by this device right now: its own hand is no news. */
  #own = $state.raw<string | null>(null);

  /** @param machine As the machine itself told it; null: only a copy is known, whose age would look like a change. */
  constructor(client: Asking, storage: MachineStorage, machine: () => MachineInfo | null) {
    this.#client = client;
    this.#storage = storage;
    this.#machine = machine;
  }

  /** Every provider. Empty: not known, or the machine is older than this. */
  get all(): readonly ProviderKeyInfo[] {
    return this.#machine()?.keys ?? [];
  }

  /** Keys that changed since somebody at this device said that they saw it. */
  get news(): readonly ProviderKeyInfo[] {
    const seen = this.#seen;
    return seen === null ? [] : this.all.filter((key) => key.provider !== this.#own && key.setAt !== (seen[key.provider] ?? null));
  }

  /** What this device saw before. A device that is new here begins with how it finds things. */
  async load(): Promise<void> {
    this.#seen = (await this.#storage.get<Seen>("values", SEEN)) ?? null;
    this.#loaded = true;
    this.begin();
  }

  /** The machine told its keys: the first time is no news. */
  begin(): void {
    if (this.#loaded && this.#seen === null && this.all.length > 0) void this.sawAll();
  }

  async sawAll(): Promise<void> {
    await this.#saw(this.all);
  }

  async set(provider: string, value: string): Promise<void> {
    await this.#changing(provider, async () => (await this.#client.request("provider_key_set", { provider, value })).key);
  }

  async remove(provider: string): Promise<void> {
    await this.#changing(provider, async () => (await this.#client.request("provider_key_remove", { provider })).key);
  }

  check(provider: string): Promise<ProviderKeyCheckResponse> {
    return this.#client.request("provider_key_check", { provider });
  }

  async #changing(provider: string, change: () => Promise<ProviderKeyInfo>): Promise<void> {
    this.#own = provider;
    try {
      await this.#saw([await change()]);
    } finally {
      this.#own = null;
    }
  }

  async #saw(keys: readonly ProviderKeyInfo[]): Promise<void> {
    this.#seen = { ...this.#seen, ...Object.fromEntries(keys.map((key) => [key.provider, key.setAt])) };
    await this.#storage.put("values", SEEN, this.#seen);
  }
}
