import { describe, expect, it } from "vitest";
import { RequestError } from "../client/errors";
import type { MachineInfo, ProviderKeyInfo, Requests } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";
import { isKey, ProviderKeys } from "./keys.svelte";

type Type = "provider_key_set" | "provider_key_remove" | "provider_key_check";
const VALUE = "sk-ant-a-key-0123456789";

/** A device whose database outlives the page, at a machine with one provider's key. */
class Device {
  readonly values = new Map<string, unknown>();
  machine: MachineInfo | null = null;
  during: () => void = () => undefined;
  error: RequestError | null = null;
  keys = this.page();

  tells(setAt: string | null, setBy: string | null = null): void {
    this.machine = { keys: [{ provider: "anthropic", setAt, setBy }] } as unknown as MachineInfo;
  }

  page(): ProviderKeys {
    const storage = {
      get: (_: string, key: string) => Promise.resolve(this.values.get(key)),
      put: (_: string, key: string, value: unknown) => {
        this.values.set(key, value);
        return Promise.resolve();
      },
    };
    const request = async <T extends Type>(type: T, payload: Requests[T]["request"]): Promise<Requests[T]["response"]> => {
      if (this.error) throw this.error;
      const set = type === "provider_key_set";
      this.tells(set ? "2026-02-02" : null, set ? "me" : null);
      this.during();
      return { key: { ...(this.machine?.keys[0] as ProviderKeyInfo), provider: payload.provider } } as never;
    };
    return (this.keys = new ProviderKeys({ request }, storage as unknown as MachineStorage, () => this.machine));
  }
}

describe("what is told of the machine's keys", () => {
  it("is nothing at the first look, whatever is there, and nothing from a copy", async () => {
    const device = new Device();
    await device.keys.load();
    expect(device.keys.news).toEqual([]);
    device.tells("2026-01-01", "Old phone");
    device.keys.begin();
    await Promise.resolve();
    expect(device.keys.news).toEqual([]);
    device.machine = null;
    expect(device.keys.all).toEqual([]);
    expect(device.keys.news).toEqual([]);
  });

  it("is each change by somebody else until it was seen, also one while this device was away", async () => {
    const device = new Device();
    device.tells(null);
    await device.keys.load();
    device.tells("2026-01-01", "Old phone");
    expect(device.keys.news.map((key) => key.setBy)).toEqual(["Old phone"]);
    await device.keys.sawAll();
    expect(device.keys.news).toEqual([]);
    device.tells(null);
    await device.page().load();
    expect(device.keys.news.map((key) => key.setAt)).toEqual([null]);
  });

  it("is not this device's own change, neither before the answer nor after it, nor on the next page", async () => {
    const device = new Device();
    device.tells(null);
    await device.keys.load();
    device.during = () => expect(device.keys.news).toEqual([]);
    await device.keys.set("anthropic", VALUE);
    expect(device.keys.news).toEqual([]);
    await device.page().load();
    expect(device.keys.news).toEqual([]);
    await device.keys.remove("anthropic");
    expect(device.keys.news).toEqual([]);
  });

  it("is a change whose answer got lost: nobody here knows that it was made", async () => {
    const device = new Device();
    device.tells(null);
    await device.keys.load();
    device.error = new RequestError("TIMEOUT", "");
    await expect(device.keys.set("anthropic", VALUE)).rejects.toThrow();
    device.tells("2026-02-02", "me");
    expect(device.keys.news).toHaveLength(1);
  });

  it("keeps names and times on the device, and no key", async () => {
    const device = new Device();
    device.tells(null);
    await device.keys.load();
    await device.keys.set("anthropic", VALUE);
    expect([...device.values.entries()]).toEqual([["keys", { anthropic: "2026-02-02" }]]);
  });
});

describe("a key", () => {
  it("has the length and the characters that the machine takes", () => {
    expect([VALUE, "k".repeat(16), "k".repeat(2048)].map(isKey)).toEqual([true, true, true]);
    for (const bad of ["", "k".repeat(15), "k".repeat(2049), `${VALUE} x`, `${VALUE}\n`, `${VALUE}ü`, `${VALUE}\u200b`])
      expect(isKey(bad), JSON.stringify(bad)).toBe(false);
  });
});
