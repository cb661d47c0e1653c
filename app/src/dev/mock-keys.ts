import type { MachineEvent, ProviderKeyInfo, ProviderKeyVerdict, Requests } from "$lib/protocol/generated";
import type { MockState } from "./mock-machine";
import type { Refuse, Some } from "./mock-project-files";

const HOSTS: Record<string, string> = {
  anthropic: "api.anthropic.com",
  openai: "api.openai.com",
  google: "generativelanguage.googleapis.com",
};

/** Keys of providers. What a key contains decides what its provider says to it. */
export function keyAnswers(
  state: MockState,
  refuse: Refuse,
  change: (event: MachineEvent) => void,
): Some<Extract<keyof Requests, "provider_key_set" | "provider_key_remove" | "provider_key_check">> {
  const values = new Map<string, string>();
  const put = (key: ProviderKeyInfo): ProviderKeyInfo => {
    state.machine = { ...state.machine, keys: state.machine.keys.map((one) => (one.provider === key.provider ? key : one)) };
    change({ kind: "machine", machine: state.machine });
    return key;
  };
  const known = (provider: string): ProviderKeyInfo =>
    state.machine.keys.find((key) => key.provider === provider) ?? refuse("INVALID_REQUEST");
  return {
    provider_key_set: ({ provider, value }) => {
      known(provider);
      values.set(provider, value);
      return { key: put({ provider, setAt: new Date().toISOString(), setBy: state.devices[0]?.name ?? null }) };
    },
    provider_key_remove: ({ provider }) => {
      const was = known(provider).setAt !== null;
      return { key: put({ provider, setAt: null, setBy: null }), was };
    },
    provider_key_check: ({ provider }) => {
      if (known(provider).setAt === null) return refuse("CONFLICT");
      const value = values.get(provider) ?? "";
      const verdict: ProviderKeyVerdict = value.includes("wrong") ? "refused" : value.includes("away") ? "unreachable" : "works";
      return {
        verdict,
        host: HOSTS[provider] ?? provider,
        status: verdict === "refused" ? 401 : verdict === "unreachable" ? null : 200,
      };
    },
  };
}
