import { AccountError } from "./errors";

/** What the gateway's answers have to be (docs/accounts.md). Every reader takes anything and throws AccountError `garbled` for what it can't be. */

export type Role = "owner" | "admin" | "operator" | "viewer";
/** From the most to the least. */
export const ROLES: readonly Role[] = ["owner", "admin", "operator", "viewer"];

/** Roles that somebody of this one may invite, change and remove: never an equal. */
export function below(role: Role): readonly Role[] {
  return role === "owner" || role === "admin" ? ROLES.slice(ROLES.indexOf(role) + 1) : [];
}

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
  /** Seconds. */
  readonly expiresIn: number;
}

export interface SignIn {
  readonly id: string;
  readonly label: string;
  /** Milliseconds since 1970, as all times here. */
  readonly createdAt: number;
  readonly renewedAt: number;
  readonly current: boolean;
}

export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly createdAt: number;
  /** When it last signed in; null: not yet. */
  readonly usedAt: number | null;
}

/** An account at another service. */
export interface ServiceAccount {
  readonly id: string;
  /** What the service was called when it was added. */
  readonly service: string;
  /** What the service called the account; null: nothing. */
  readonly account: string | null;
  readonly createdAt: number;
  readonly usedAt: number | null;
}

/** Another service by which one can sign in. */
export interface ServiceOffer {
  readonly name: string;
  readonly label: string;
}

/** Where one signs in with an account at another service. */
export interface ServiceQuestion {
  readonly question: string;
  readonly url: string;
}

export interface Me {
  readonly name: string;
  readonly role: Role;
  /** What devices of this person are to be paired with. */
  readonly scopes: readonly string[];
  /** Ids of the machines that they may meet; null: all. */
  readonly machines: readonly string[] | null;
  readonly signIns: readonly SignIn[];
  /** Whether they have one. */
  readonly password: boolean;
  readonly passkeys: readonly Passkey[];
  readonly services: readonly ServiceAccount[];
}

export interface ReachableMachine {
  readonly machineId: string;
  readonly label: string;
  readonly connected: boolean;
  /** Since when it is connected; null: it is not, or the gateway does not say. */
  readonly since: number | null;
  /** When it came there; null: the gateway does not say. */
  readonly addedAt: number | null;
  /** Who let it in; null: a code did, or the gateway does not say. */
  readonly addedBy: string | null;
}

/** A machine that waits for somebody to let it in. What it is called are its own words. */
export interface AskingMachine {
  /** For the decision. */
  readonly id: string;
  readonly label: string;
  /** Of the key that it proved: the same words stand on its screen. */
  readonly fingerprint: string;
  /** The address that it asked from; null: nobody knows. */
  readonly remote: string | null;
  readonly askedAt: number;
}

export interface User {
  readonly name: string;
  readonly role: Role;
  readonly machines: readonly string[] | null;
  readonly createdAt: number;
  readonly signIns: number;
}

export interface Invitation {
  readonly id: string;
  readonly role: Role;
  readonly machines: readonly string[] | null;
  /** Who made it; null: who runs the gateway. */
  readonly by: string | null;
  readonly endsAt: number;
}

export interface People {
  readonly users: readonly User[];
  readonly invitations: readonly Invitation[];
}

type Fields = Record<string, unknown>;

export function readTokens(value: unknown): Tokens {
  const of = fields(value);
  return { access: token(of["access"]), refresh: token(of["refresh"]), expiresIn: count(of["expiresIn"]) };
}

/** It becomes part of a subprotocol's name. */
export function readTicket(value: unknown): string {
  const ticket = text(fields(value)["ticket"], 100);
  return /^[\w-]+$/.test(ticket) ? ticket : garbled();
}

export function readWithdrawn(value: unknown): boolean {
  const { withdrawn } = fields(value) as { withdrawn?: unknown };
  return typeof withdrawn === "boolean" ? withdrawn : garbled();
}

export function readMe(value: unknown): Me {
  const of = fields(value);
  return {
    name: text(of["name"], 64),
    role: role(of["role"]),
    scopes: list(of["scopes"], (one) => text(one, 32)),
    machines: machines(of["machines"]),
    signIns: list(of["signIns"], (one) => {
      const { id, label, createdAt, renewedAt, current } = fields(one);
      return {
        id: text(id, 64),
        label: text(label, 100),
        createdAt: time(createdAt),
        renewedAt: time(renewedAt),
        current: flag(current),
      };
    }),
    // A gateway of before has passwords only, and does not say so.
    password: of["password"] === undefined || flag(of["password"]),
    passkeys: list(of["passkeys"] ?? [], (one) => {
      const { id, name, createdAt, usedAt } = fields(one);
      return {
        id: text(id, 64),
        name: text(name, 100),
        createdAt: time(createdAt),
        usedAt: usedAt === null || usedAt === undefined ? null : time(usedAt),
      };
    }),
    services: list(of["services"] ?? [], (one) => {
      const { id, service, account, createdAt, usedAt } = fields(one);
      return {
        id: text(id, 64),
        service: text(service, 100),
        account: account === null || account === undefined ? null : text(account, 100),
        createdAt: time(createdAt),
        usedAt: usedAt === null || usedAt === undefined ? null : time(usedAt),
      };
    }),
  };
}

/** The services of an offer; a gateway of before has none. */
export function readOffers(value: unknown): readonly ServiceOffer[] {
  return list(value ?? [], (one) => {
    const { name, label } = fields(one);
    return { name: serviceName(name), label: text(label, 100) };
  });
}

/** The browser goes to this address, so it is one of the web, and no script. */
export function readServiceQuestion(value: unknown): ServiceQuestion {
  const of = fields(value);
  const url = text(of["url"], 16 * 1024);
  return /^https?:\/\/[^/]/i.test(url) ? { question: token(of["question"]), url } : garbled();
}

/** As it stands in addresses. */
export function serviceName(value: unknown): string {
  const name = text(value, 32);
  return /^[a-z0-9-]+$/.test(name) ? name : garbled();
}

/** Who signed in, where they named nobody. */
export function readName(value: unknown): string {
  return text(fields(value)["name"], 64);
}

export function readMachines(value: unknown): readonly ReachableMachine[] {
  return list(fields(value)["machines"], (one) => {
    const { machineId, label, connected, since, addedAt, addedBy } = fields(one);
    return {
      machineId: text(machineId, 64),
      label: text(label, 200),
      connected: flag(connected),
      since: orNull(since, time),
      addedAt: orNull(addedAt, time),
      addedBy: orNull(addedBy, (name) => text(name, 64)),
    };
  });
}

export function readAskingMachine(value: unknown): AskingMachine {
  const { id, label, fingerprint, remote, askedAt } = fields(value);
  return {
    id: text(id, 64),
    label: text(label, 200),
    fingerprint: text(fingerprint, 64),
    remote: orNull(remote, (address) => text(address, 64)),
    askedAt: time(askedAt),
  };
}

export function readPeople(value: unknown): People {
  const of = fields(value);
  return {
    users: list(of["users"], (one) => {
      const user = fields(one);
      return {
        name: text(user["name"], 64),
        role: role(user["role"]),
        machines: machines(user["machines"]),
        createdAt: time(user["createdAt"]),
        signIns: count(user["signIns"]),
      };
    }),
    invitations: list(of["invitations"], (one) => {
      const { id, by, endsAt, ...rest } = fields(one);
      return {
        id: text(id, 64),
        role: role(rest["role"]),
        machines: machines(rest["machines"]),
        by: by === null || by === undefined ? null : text(by, 64),
        endsAt: time(endsAt),
      };
    }),
  };
}

export function readInvitation(value: unknown): { readonly token: string; readonly endsAt: number } {
  const of = fields(value);
  return { token: token(of["token"]), endsAt: time(of["endsAt"]) };
}

function orNull<T>(value: unknown, read: (one: unknown) => T): T | null {
  return value === null || value === undefined ? null : read(value);
}

function garbled(): never {
  throw new AccountError("garbled");
}

function fields(value: unknown): Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Fields) : garbled();
}

function text(value: unknown, most: number): string {
  return typeof value === "string" && value.length > 0 && value.length <= most ? value : garbled();
}

/** It becomes part of a header. */
function token(value: unknown): string {
  const read = text(value, 200);
  return /^[\w.-]+$/.test(read) ? read : garbled();
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : garbled();
}

function flag(value: unknown): boolean {
  return typeof value === "boolean" ? value : garbled();
}

function role(value: unknown): Role {
  return ROLES.find((one) => one === value) ?? garbled();
}

function time(value: unknown): number {
  const at = Date.parse(text(value, 64));
  return Number.isNaN(at) ? garbled() : at;
}

function list<T>(value: unknown, read: (one: unknown) => T): readonly T[] {
  return Array.isArray(value) ? value.map(read) : garbled();
}

/** Null means all, so what was left out means none of that: it is garbled. */
function machines(value: unknown): readonly string[] | null {
  return value === null ? null : list(value, (one) => text(one, 64));
}
