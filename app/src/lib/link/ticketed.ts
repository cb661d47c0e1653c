import { account, openWithTicket } from "../accounts";
import { forgetAccounts, openSocket } from "./first-socket";
import type { Letterbox } from "./door";
import type { Socket } from "./transport";

/** Letters go to the person's account. */
export const letterbox: Letterbox = account;

/** A connection with a ticket of the gateway's accounts. A part of the app of its own, fetched where there are any. */
export function ticketed(machineId: string): Promise<() => Socket> {
  return openWithTicket(account, machineId, { open: openSocket, forget: forgetAccounts });
}
