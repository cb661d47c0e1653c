import type { KeyValueStore } from "../channel/store";
import {
  type AskingMachine,
  type Me,
  type People,
  type ReachableMachine,
  readAskingMachine,
  readInvitation,
  readMachines,
  readMe,
  readName,
  readPeople,
  readServiceQuestion,
  readTicket,
  readTokens,
  readWithdrawn,
  type Role,
  type ServiceOffer,
  serviceName,
  type Tokens,
} from "./answers";
import { AccountError } from "./errors";
import type { Gateway } from "./gateway";
import type { ServiceReturn } from "./given";
import { AccountKey } from "./key";
import { type Passkeys, readQuestion } from "./passkeys";
import { toBase64 } from "../text/base64";

const ROW = "sign-in";
/** What this browser went to another service for; the newest only. */
const AWAY = "service";
/** An access token is renewed so long before it ends: a request takes its time. */
const EARLY_MS = 30_000;
/** A thousand people, each with a hundred machines. */
const LIST_BYTES = 6 * 1024 * 1024;

/** What is kept of a sign-in, so that it survives a reload. Worth nothing without the key. */
interface Kept {
  readonly v: 1;
  readonly name: string;
  readonly access: string;
  /** By this browser's clock, in milliseconds. */
  readonly until: number;
  readonly refresh: string;
}

/** For what a browser goes to another service. */
type Purpose = "sign-in" | "welcome" | "add";

interface Away {
  readonly v: 1;
  readonly question: string;
  readonly service: string;
  readonly purpose: Purpose;
}

/** Runs work while no other tab, and no worker, runs any under the same name. */
export type Alone = <T>(work: () => Promise<T>) => Promise<T>;

export interface AccountOptions {
  readonly store: KeyValueStore;
  readonly gateway: Gateway;
  readonly alone: Alone;
  /** This browser's; null: it has none. */
  readonly passkeys: Passkeys | null;
  readonly now?: () => number;
}

/**
 * This browser's sign-in at the gateway that served it: one for all its tabs and workers. Tokens are renewed one at a time over all of them, since a refresh token
 * is good once. Nothing of it is logged. Every failure is an AccountError, but for a storage that fails.
 */
export class Account {
  readonly #store: KeyValueStore;
  readonly #gateway: Gateway;
  readonly #alone: Alone;
  readonly #passkeys: Passkeys | null;
  readonly #now: () => number;
  #key: Promise<AccountKey> | null = null;

  constructor({ store, gateway, alone, passkeys, now = Date.now }: AccountOptions) {
    this.#store = store;
    this.#gateway = gateway;
    this.#alone = alone;
    this.#passkeys = passkeys;
    this.#now = now;
  }

  /** Whether this gateway has accounts. @throws AccountError `unreachable`, `garbled` */
  async offered(): Promise<boolean> {
    try {
      await this.#gateway.look();
      return true;
    } catch (error) {
      if (error instanceof AccountError && error.code === "none") return false;
      throw error;
    }
  }

  /** Whether one can sign in with a passkey, here and there. @throws AccountError as `offered` */
  async offersPasskeys(): Promise<boolean> {
    return this.#passkeys !== null && (await this.#gateway.look()).ways.includes("passkey");
  }

  /** The other services by which one can sign in. @throws AccountError as `offered` */
  async services(): Promise<readonly ServiceOffer[]> {
    return (await this.#gateway.look()).services;
  }

  /** Begins to sign in with an account at another service. The browser then goes to the address that this gives. */
  async signInByService(service: string): Promise<string> {
    const key = await this.#ownKey();
    return this.#away(service, "sign-in", await this.#gateway.post("services/begin-sign-in", { service, key: key.publicKey }, key, null));
  }

  /** As `signInByService`, for a one-time link. The gateway keeps the link until the browser comes back: it does not leave with it. */
  async welcomeByService(service: string, token: string, name: string): Promise<string> {
    const key = await this.#ownKey();
    const body = { service, token, name: read(name), key: key.publicKey };
    return this.#away(service, "welcome", await this.#gateway.post("services/begin-welcome", body, key, null));
  }

  /** As `signInByService`, for one more way to sign in. */
  async addService(service: string): Promise<string> {
    return this.#away(service, "add", await this.#as("services/begin-add", { service }));
  }

  /**
   * What a browser brings back from a service is good only here, once, and for what it went there for. Null: the person did not want to, and nothing has changed.
   * @returns what it was for @throws AccountError `bad_service`: this browser did not go there
   */
  async cameBack(back: ServiceReturn, label: string): Promise<Purpose | null> {
    const away = (await this.#store.get(AWAY)) as Partial<Away> | undefined;
    const { v, question, service, purpose } = away ?? {};
    // Somebody else's answer in a link would sign this browser in as them. The gateway looks at this too.
    if (v !== 1 || purpose === undefined || question !== back.state || service !== back.service) throw new AccountError("bad_service");
    await this.#store.delete(AWAY);
    if (back.code === null) return null;
    const given = { question, service, code: back.code, ...(back.issuer === null ? {} : { issuer: back.issuer }) };
    if (purpose === "add") await this.#as("services/add", given);
    else await this.#enter("services/sign-in", { ...given, label }, null);
    return purpose;
  }

  /** Ends all other sign-ins that it made, too. @throws AccountError `last_way_in` */
  async removeService(id: string): Promise<void> {
    await this.#as("services/remove", { id });
  }

  /** Who is signed in as far as this browser knows; null: nobody. Asks nobody. */
  async name(): Promise<string | null> {
    return (await this.#kept())?.name ?? null;
  }

  /** Uses a one-time link, and is signed in. @throws AccountError: the link is as it was, unless `unreachable`: then nobody knows */
  welcome(token: string, name: string, password: string, label: string): Promise<void> {
    return this.#enter("welcome", { token, ...credentials(name, password), label }, read(name));
  }

  signIn(name: string, password: string, label: string): Promise<void> {
    return this.#enter("sign-in", { ...credentials(name, password), label }, read(name));
  }

  /** As `welcome`, with a new passkey in place of a password. False: the person did not want to, and nothing has changed. */
  async welcomeWithPasskey(token: string, name: string, label: string): Promise<boolean> {
    const key = await this.#ownKey();
    const given = { token, name: read(name) };
    const asked = readQuestion(await this.#gateway.post("passkeys/begin-welcome", { ...given, key: key.publicKey }, key, null));
    const credential = await this.#browserPasskeys().create(asked.options);
    if (!credential) return false;
    await this.#enter("passkeys/welcome", { ...given, question: asked.question, credential, label }, given.name);
    return true;
  }

  /** Signs in with any passkey for this gateway. False as in `welcomeWithPasskey`. */
  async signInWithPasskey(label: string): Promise<boolean> {
    const key = await this.#ownKey();
    const asked = readQuestion(await this.#gateway.post("passkeys/begin-sign-in", { key: key.publicKey }, key, null));
    const credential = await this.#browserPasskeys().get(asked.options);
    if (!credential) return false;
    await this.#enter("passkeys/sign-in", { question: asked.question, credential, label }, null);
    return true;
  }

  /** Makes one more passkey for whoever is signed in. False as in `welcomeWithPasskey`. */
  async addPasskey(label: string): Promise<boolean> {
    const asked = readQuestion(await this.#as("passkeys/begin-register", {}));
    const credential = await this.#browserPasskeys().create(asked.options);
    if (!credential) return false;
    await this.#as("passkeys/register", { question: asked.question, credential, label });
    return true;
  }

  /** @param name what `readPasskeyName` gave. @throws AccountError `malformed`, `not_found` */
  async renamePasskey(id: string, name: string): Promise<void> {
    await this.#as("passkeys/rename", { id, name });
  }

  /** Ends all other sign-ins that it made, too. @throws AccountError `last_way_in` */
  async removePasskey(id: string): Promise<void> {
    await this.#as("passkeys/remove", { id });
  }

  /** Ends this browser's sign-in, there and here. @throws AccountError: it has not ended */
  async signOut(): Promise<void> {
    try {
      await this.#as("sign-out", {});
    } catch (error) {
      if (!(error instanceof AccountError && error.code === "not_signed_in")) throw error;
    }
    await this.#alone(() => this.#store.delete(ROW));
  }

  async me(): Promise<Me> {
    return readMe(await this.#as("me", {}));
  }

  async machines(): Promise<readonly ReachableMachine[]> {
    return readMachines(await this.#as("machines", {}, LIST_BYTES));
  }

  /** The machine that shows this code. @param code what `readMachineCode` gave. @throws AccountError `not_found`: none does; `too_fast`, `forbidden` */
  async findMachine(code: string): Promise<AskingMachine> {
    return readAskingMachine(await this.#as("machines/find", { code }));
  }

  /** Lets in the machine that was found. @throws AccountError `not_found`: it does not wait any more */
  async addMachine(id: string): Promise<void> {
    await this.#as("machines/add", { id });
  }

  /** @throws AccountError as `addMachine` */
  async refuseMachine(id: string): Promise<void> {
    await this.#as("machines/refuse", { id });
  }

  /** Cuts it off at once; to come back it has to be let in again. */
  async removeMachine(machine: string): Promise<void> {
    await this.#as("machines/remove", { machine });
  }

  /** For one connection to this machine, for half a minute. @throws AccountError `not_found`: there is none that this person may meet */
  async ticket(machine: string): Promise<string> {
    return readTicket(await this.#as("ticket", { machine }));
  }

  /** Leaves a sealed letter for a machine that is away. The same once more changes nothing. @throws AccountError `not_found`, `too_many`, `forbidden` */
  async leave(machine: string, id: string, endsAt: number, letter: Uint8Array): Promise<void> {
    await this.#as("letters/leave", { machine, id, endsAt: new Date(endsAt).toISOString(), letter: toBase64(letter) });
  }

  /** False: the machine has the letter, or it has ended. */
  async withdraw(id: string): Promise<boolean> {
    return readWithdrawn(await this.#as("letters/withdraw", { id }));
  }

  async endSignIn(id: string): Promise<void> {
    await this.#as("sign-ins/end", { id });
  }

  /** All other sign-ins end. */
  async changePassword(old: string, next: string): Promise<void> {
    await this.#as("password", { old: old.normalize("NFC"), new: next.normalize("NFC") });
  }

  async people(): Promise<People> {
    return readPeople(await this.#as("users", {}, LIST_BYTES));
  }

  /** The link, which nobody can be shown a second time. `machines` null: all. */
  async invite(role: Role, machines: readonly string[] | null): Promise<{ readonly link: string; readonly endsAt: number }> {
    const { token, endsAt } = readInvitation(await this.#as("users/invite", { role, machines }));
    return { link: `${this.#gateway.origin}/welcome#${token}`, endsAt };
  }

  async uninvite(id: string): Promise<void> {
    await this.#as("users/uninvite", { id });
  }

  async change(name: string, role: Role, machines: readonly string[] | null): Promise<void> {
    await this.#as("users/change", { name, role, machines });
  }

  async signOutUser(name: string): Promise<void> {
    await this.#as("users/sign-out", { name });
  }

  async remove(name: string): Promise<void> {
    await this.#as("users/remove", { name });
  }

  async #away(service: string, purpose: Purpose, answer: unknown): Promise<string> {
    const { question, url } = readServiceQuestion(answer);
    const away: Away = { v: 1, question, service: serviceName(service), purpose };
    await this.#store.put(AWAY, away);
    return url;
  }

  #browserPasskeys(): Passkeys {
    if (this.#passkeys === null) throw new AccountError("passkey_failed");
    return this.#passkeys;
  }

  /** @param name who it is; null: the gateway tells */
  async #enter(path: string, given: object, name: string | null): Promise<void> {
    const key = await this.#ownKey();
    const answer = await this.#gateway.post(path, { ...given, key: key.publicKey }, key, null);
    const [tokens, who] = [readTokens(answer), name ?? readName(answer)];
    const before = await this.#alone(async () => {
      const kept = await this.#kept();
      await this.#keep(who, tokens);
      return kept;
    });
    if (before) await this.#end(before, key);
  }

  /** What this browser was signed in with before would go on for a month, with nobody who uses it. Where this fails, it does. */
  async #end({ access, refresh }: Kept, key: AccountKey): Promise<void> {
    const end = (token: string): Promise<unknown> => this.#gateway.post("sign-out", {}, key, token);
    try {
      await end(access).catch(async () => end((await this.#renewed(key, refresh)).access));
    } catch {
      // Its person finds it in the list of sign-ins.
    }
  }

  /** A request of whoever is signed in. Tokens that have ended are renewed, once. */
  async #as(path: string, body: object, most?: number): Promise<unknown> {
    const key = await this.#ownKey();
    const access = await this.#access(key, null);
    try {
      return await this.#gateway.post(path, body, key, access, most);
    } catch (error) {
      if (!(error instanceof AccountError && error.code === "not_signed_in")) throw error;
      return this.#gateway.post(path, body, key, await this.#access(key, access), most);
    }
  }

  /** An access token other than the one that is `over`. @throws AccountError `not_signed_in` */
  async #access(key: AccountKey, over: string | null): Promise<string> {
    const good = (kept: Kept): boolean => kept.access !== over && kept.until > this.#now();
    const kept = await this.#kept();
    if (!kept) throw new AccountError("not_signed_in");
    if (good(kept)) return kept.access;
    return this.#alone(async () => {
      const newest = await this.#kept(); // another tab may have been here
      if (!newest) throw new AccountError("not_signed_in");
      if (good(newest)) return newest.access;
      try {
        const tokens = await this.#renewed(key, newest.refresh);
        await this.#keep(newest.name, tokens);
        return tokens.access;
      } catch (error) {
        if (error instanceof AccountError && error.code === "not_signed_in") await this.#store.delete(ROW);
        throw error;
      }
    });
  }

  /** The next pair. An answer that was lost is asked for again at once: the gateway gives it for a minute. */
  async #renewed(key: AccountKey, refresh: string): Promise<Tokens> {
    const ask = async (): Promise<Tokens> => readTokens(await this.#gateway.post("refresh", { refresh }, key, null));
    try {
      return await ask();
    } catch (error) {
      if (error instanceof AccountError && error.code === "unreachable") return ask();
      throw error;
    }
  }

  #ownKey(): Promise<AccountKey> {
    this.#key ??= AccountKey.loadOrCreate(this.#store).catch((error: unknown) => {
      this.#key = null; // a storage that fails once may not the next time
      throw error;
    });
    return this.#key;
  }

  async #kept(): Promise<Kept | null> {
    const stored = (await this.#store.get(ROW)) as Partial<Kept> | undefined;
    const { v, name, access, until, refresh } = stored ?? {};
    return v === 1 && typeof name === "string" && typeof access === "string" && typeof until === "number" && typeof refresh === "string"
      ? { v, name, access, until, refresh }
      : null;
  }

  async #keep(name: string, { access, refresh, expiresIn }: Tokens): Promise<void> {
    const kept: Kept = { v: 1, name, access, refresh, until: this.#now() + expiresIn * 1000 - EARLY_MS };
    await this.#store.put(ROW, kept);
  }
}

/** A name as the gateway keeps it. */
function read(name: string): string {
  return name.trim().toLowerCase();
}

function credentials(name: string, password: string): { readonly name: string; readonly password: string } {
  return { name: read(name), password: password.normalize("NFC") };
}
