/**
 * This browser's account at the gateway that served it (docs/accounts.md). The one door of this folder: import from here. No part of the first load: who has no
 * account never fetches it.
 */
import { indexedDbStore } from "../channel/store";
import { Account, type Alone } from "./account";
import { AccountError } from "./errors";
import { Gateway } from "./gateway";
import { browserPasskeys } from "./passkeys";

export type { Account } from "./account";
export {
  type AskingMachine,
  below,
  type Invitation,
  type Me,
  type Passkey,
  type People,
  type ReachableMachine,
  type Role,
  type ServiceAccount,
  type ServiceOffer,
  type SignIn,
  type User,
} from "./answers";
export { AccountError, type AccountErrorCode } from "./errors";
export {
  isWhole,
  PASSKEY_NAME_LENGTH,
  passwordFault,
  readMachineCode,
  readPasskeyName,
  readReturn,
  readWelcome,
  type ServiceReturn,
} from "./given";
export { openWithTicket, REFUSED } from "./tickets";

const LOCK = "pocketcoder-account";
/** A tab that the browser put to sleep in the middle of it must not stop all others for ever. */
const WAIT_MS = 30_000;

const alone: Alone = async (work) => {
  // Missing in Safari before 15.4: there two tabs may renew at once, which the gateway takes for a minute.
  if (!("locks" in navigator)) return work();
  let begun = false;
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), WAIT_MS);
  try {
    return await navigator.locks.request(LOCK, { signal: limit.signal }, () => {
      begun = true;
      clearTimeout(timer);
      return work();
    });
  } catch (error) {
    throw begun ? error : new AccountError("unreachable");
  } finally {
    clearTimeout(timer);
  }
};

/** The one of this page, or of this worker. */
export const account = new Account({
  store: indexedDbStore("pocketcoder-account"),
  gateway: new Gateway(globalThis.location.origin, (url, init) => fetch(url, init)),
  alone,
  passkeys: browserPasskeys(),
});
