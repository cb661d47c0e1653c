/**
 * The page's first script (vite.config.ts puts it in front of the app's): a few hundred bytes that are there long before
 * the app is. On a phone's network a connection takes as long as fetching and drawing the app, so a paired device's first
 * one begins here. Only which machine it goes to is kept for that, and nothing of it is secret.
 */
const HINT = "pocketcoder.machine";
const ACCOUNTS = "pocketcoder.accounts";
/** The gateway has accounts, and the connection came without a ticket or may not go on (docs/accounts.md). */
const SIGN_IN_NEEDED = 4401;
const SUBPROTOCOL = "pocketcoder.v1";

export interface FirstSocket {
  readonly machineId: string;
  readonly socket: WebSocket;
}

let first: FirstSocket | null = begin();

function begin(): FirstSocket | null {
  try {
    const machineId = localStorage.getItem(HINT);
    return machineId === null || hasAccounts() || location.hash.startsWith("#pair=") ? null : { machineId, socket: openSocket(machineId) };
  } catch {
    return null; // storage is shut: the app will say what it misses
  }
}

/** What was begun before the app was there. Once. */
export function takeFirstSocket(): FirstSocket | null {
  const taken = first;
  first = null;
  return taken;
}

/** The machine that this page begins with. */
export function preferredMachine(): string | null {
  try {
    return localStorage.getItem(HINT);
  } catch {
    return null; // storage is shut
  }
}

/** Says where the next page's first connection goes; null: nowhere. */
export function rememberForFirstSocket(machineId: string | null): void {
  try {
    if (machineId === null) localStorage.removeItem(HINT);
    else if (localStorage.getItem(HINT) !== machineId) localStorage.setItem(HINT, machineId);
  } catch {
    // storage is shut or full: the next page connects a little later
  }
}

/** Whether this gateway is known to have accounts: then a connection needs a ticket, which a page's first script has none of. A worker always looks. */
export function hasAccounts(): boolean {
  try {
    return localStorage.getItem(ACCOUNTS) !== null;
  } catch {
    return false; // storage is shut: the gateway says so with each connection
  }
}

/** Says that it has. Other tabs hear of each change. */
export function rememberAccounts(): void {
  try {
    localStorage.setItem(ACCOUNTS, `${Date.now()}`);
  } catch {
    // storage is shut, or there is none in a worker
  }
}

export function forgetAccounts(): void {
  try {
    localStorage.removeItem(ACCOUNTS);
  } catch {
    // as above
  }
}

/** A connection to the machine by way of the origin that served the page. `ticket`: what a gateway with accounts gave for it. */
export function openSocket(machineId: string, ticket?: string): WebSocket {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(
    `${scheme}//${location.host}/v1/relay?machine=${encodeURIComponent(machineId)}`,
    ticket === undefined ? SUBPROTOCOL : [SUBPROTOCOL, `pocketcoder.ticket.${ticket}`],
  );
  socket.addEventListener("close", ({ code }) => {
    if (code === SIGN_IN_NEEDED) rememberAccounts();
  });
  return socket;
}
