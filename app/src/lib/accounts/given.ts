/** What a person gives, looked at before it is sent: the gateway looks at it again, and counts what was wrong. */

const FEWEST_CHARACTERS = 12;
const MOST_BYTES = 1024;

/** Whether the gateway can take it as a name. */
export function isWhole(name: string): boolean {
  return /^[a-z0-9][a-z0-9._@+-]{0,63}$/.test(name.trim().toLowerCase());
}

/** As many UTF-16 units as the gateway takes in the name of a passkey. */
export const PASSKEY_NAME_LENGTH = 60;

/** The name of a passkey as it is sent; null: the gateway could not take it, for it is empty, too long, or has characters that nobody sees. */
export function readPasskeyName(name: string): string | null {
  const read = name.trim().normalize("NFC");
  const unseen = /[\p{C}\p{Zl}\p{Zp}\ufffd]|(?! )\p{Zs}/u;
  return read !== "" && read.length <= PASSKEY_NAME_LENGTH && !unseen.test(read) ? read : null;
}

/** What is wrong with a new password, as far as one can tell here; null: nothing. */
export function passwordFault(password: string): "short" | "long" | null {
  const given = password.normalize("NFC");
  if (new TextEncoder().encode(given).length > MOST_BYTES) return "long";
  return given.length < FEWEST_CHARACTERS ? "short" : null;
}

/** The code on a machine's screen, as it is sent; null: it is none. A pasted link to decide about a machine is read, too. */
export function readMachineCode(typed: string): string | null {
  const code = typed
    .slice(typed.lastIndexOf("#") + 1)
    .toUpperCase()
    .replace(/[\s-]/g, "");
  return /^[A-HJ-NP-Z2-9]{8}$/.test(code) ? code : null;
}

/** Where browsers come back to from other services; the service's name follows. */
export const RETURN = "/account/signed-in";

/** What a browser brings back from another service. */
export interface ServiceReturn {
  readonly service: string;
  /** Which question it answers. */
  readonly state: string;
  /** Null: the service did not say who it is, or the person did not want to. */
  readonly code: string | null;
  readonly issuer: string | null;
}

/** What stands in an address that a service sent this browser to; null: it is no such address, or not whole. */
export function readReturn(link: string, origin: string): ServiceReturn | null {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return null;
  }
  if (url.origin !== origin || !url.pathname.startsWith(`${RETURN}/`)) return null;
  const service = url.pathname.slice(RETURN.length + 1);
  // What is there twice may be there for somebody to choose from.
  const one = (name: string): string | null => (url.searchParams.getAll(name).length === 1 ? url.searchParams.get(name) : null);
  const [state, code] = [one("state"), one("code")];
  if (!/^[a-z0-9-]{1,32}$/.test(service) || state === null || !/^[\w-]{43}$/.test(state)) return null;
  return { service, state, code: code !== "" && code !== null && code.length <= 4096 ? code : null, issuer: one("iss") };
}

/**
 * The token of a link to welcome somebody, if it is of this gateway: what another gateway gave must not be sent to this one. `account`: the address where one
 * signs in without a machine. `machine`: where one decides about a machine, with the code that the link names, or nothing.
 */
export function readWelcome(
  link: string,
  origin: string,
): { readonly token: string } | { readonly machine: string } | "account" | "broken" | "elsewhere" {
  let url: URL;
  try {
    url = new URL(link.trim());
  } catch {
    return "broken";
  }
  if (url.origin !== origin) return "elsewhere";
  if (url.pathname === "/account" || url.pathname.startsWith(`${RETURN}/`)) return "account";
  if (url.pathname === "/account/machine") return { machine: readMachineCode(url.hash) ?? "" };
  const token = url.hash.slice(1);
  return url.pathname === "/welcome" && /^[\w-]{43}$/.test(token) ? { token } : "broken";
}
