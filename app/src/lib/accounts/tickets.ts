import type { TurnedAway } from "../link/transport";
import type { Account } from "./account";
import { AccountError } from "./errors";

/** What codes of refusals begin with that are an account's: `account:not_signed_in`, say. */
export const REFUSED = "account:";

/** The way to machines through this gateway. */
export interface Relay {
  open(machineId: string, ticket?: string): WebSocket;
  /** This gateway has no accounts, whatever was remembered. */
  forget(): void;
}

/**
 * What opens a connection to the machine, with a ticket for it. A gateway that has no accounts any more gets none.
 * @throws TurnedAway: the gateway does not let this browser to the machine, and why; AccountError `unreachable`: it can't be asked
 */
export async function openWithTicket(account: Account, machineId: string, relay: Relay): Promise<() => WebSocket> {
  try {
    const ticket = await account.ticket(machineId);
    return () => relay.open(machineId, ticket);
  } catch (error) {
    if (!(error instanceof AccountError)) throw error;
    if (error.code === "unreachable") throw error;
    // Nobody is signed in: then nothing was asked of the gateway yet, and whoever said that it has accounts may have been wrong.
    if (error.code === "none" || (error.code === "not_signed_in" && !(await account.offered()))) {
      relay.forget();
      return () => relay.open(machineId);
    }
    const { code } = error;
    throw Object.assign(error, { refusal: { code: REFUSED + code, message: "", proved: false } } satisfies Pick<TurnedAway, "refusal">);
  }
}
