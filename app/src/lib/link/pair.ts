import type { HelloResponse } from "../protocol/generated";
import type { Door, Invite, PairedMachine } from "./door";
import { Link, PROTOCOL_VERSION } from "./link";
import type { Refusal, SecureTransport } from "./transport";

export type PairResult =
  | { readonly kind: "paired"; readonly machine: PairedMachine }
  | { readonly kind: "refused"; readonly refusal: Refusal }
  | { readonly kind: "unreachable" };

type Attempt = { readonly kind: "hello"; readonly hello: HelloResponse } | Exclude<PairResult, { kind: "paired" }>;

/**
 * Pairs this device: one handshake with the link's one-time secret, then hello with the device's name and signing key. When the connection
 * breaks before the answer, the secret may be spent already; an ordinary connection then shows whether the machine knows this device.
 */
export async function pair(door: Door, invite: Invite, deviceName: string, app: string): Promise<PairResult> {
  const signingKey = await door.signingKey();
  const hello = { protocol: PROTOCOL_VERSION, app, deviceName, signingKey };
  const first = await attempt(() => door.connectToPair(invite));
  const result = first.kind === "unreachable" ? await attempt(() => door.connectAfterPairing(invite)) : first;
  // Only a gateway with accounts says why there was no connection at all: then nothing of this reached the machine.
  if (result.kind === "refused" && result.refusal.code.startsWith("account:")) return result;
  if (result.kind !== "hello") return first.kind === "hello" ? { kind: "unreachable" } : first;
  const machine: PairedMachine = { machineId: invite.machineId, name: result.hello.machine.name, signingKey: result.hello.signingKey };
  await door.remember(machine, invite);
  return { kind: "paired", machine };

  function attempt(createTransport: () => SecureTransport): Promise<Attempt> {
    return new Promise((resolve) => {
      const link = new Link({ openSocket: () => door.openSocket(invite.machineId), createTransport, hello: () => hello });
      const finish = (value: Attempt): void => {
        link.onState = () => undefined;
        link.stop();
        resolve(value);
      };
      link.onHello = (answer) => finish({ kind: "hello", hello: answer });
      link.onState = (state) => {
        if (state.kind === "offline") finish({ kind: "unreachable" });
        else if (state.kind === "refused") finish({ kind: "refused", refusal: state.refusal });
        else if (state.kind === "version")
          finish({ kind: "refused", refusal: { code: "VERSION_UNSUPPORTED", message: state.message, proved: true } });
        else if (state.kind === "revoked") finish({ kind: "refused", refusal: { code: "UNAUTHORIZED", message: "", proved: true } });
      };
      link.start();
    });
  }
}
