import type { Client } from "../client/client";
import { RequestError } from "../client/errors";
import type { PushReport, PushSettings, PushState } from "../protocol/generated";
import type { MachineStorage } from "../storage/database";
import { escapeToText } from "../text/escape";
import { explain } from "../text/words";
import { type PushBrowser, pushBrowser } from "./browser";
import { keepPush, keptPush } from "./kept";

/** How notifications stand on this device, by what browser and machine both say. */
export type Phase = "unknown" | "unsupported" | "install" | "blocked" | "off" | "on";

/** Answers of the machine that say more than their code: what is wrong with a push service, a setting, or how long to wait. */
const TELLING: ReadonlySet<string> = new Set(["INVALID_REQUEST", "UNAVAILABLE", "CONFLICT", "RATE_LIMITED"]);
/** A push service that does not answer may take as long as the machine waits for it. */
const TEST_LIMIT_MS = 20_000;

/** Notifications of one machine on this device: on, off, and how. One thing at a time is done. */
export class Notifications {
  readonly #client: Pick<Client, "request">;
  readonly #storage: MachineStorage;
  readonly #machineId: string;
  readonly #browser: PushBrowser;
  #work: Promise<unknown> = Promise.resolve();

  phase = $state<Phase>("unknown");
  busy = $state(false);
  /** What failed last, in words; empty: nothing. */
  problem = $state("");
  push = $state.raw<PushState | null>(null);
  /** What became of the test that was asked for here. */
  tested = $state.raw<PushReport | null>(null);

  constructor(client: Pick<Client, "request">, storage: MachineStorage, machineId: string, browser: PushBrowser = pushBrowser()) {
    this.#client = client;
    this.#storage = storage;
    this.#machineId = machineId;
    this.#browser = browser;
    if (browser.support !== "yes") this.phase = browser.support === "install" ? "install" : "unsupported";
  }

  /**
   * Compares what the browser has with what the machine knows, and mends what differs: at each start, and when the screen is opened. Asks the person nothing. Browsers
   * replace subscriptions and drop them, and a machine's key changes with its home.
   */
  check(): Promise<void> {
    return this.#one(async () => {
      if (this.#browser.support !== "yes") return;
      const { push } = await this.#client.request("push_settings_get", {});
      this.push = push;
      const kept = await keptPush(this.#storage);
      const permission = this.#browser.permission();
      if (!kept || permission !== "granted") {
        if (kept || push.origin !== null) await this.#end();
        this.phase = permission === "denied" ? "blocked" : "off";
        return;
      }
      const here = await this.#browser.current(this.#machineId);
      const same = here?.endpoint === kept.endpoint && (here.key ?? push.key) === push.key;
      if (push.origin === null || !same) await this.#subscribe(push);
      this.phase = "on";
      const quiet = this.push?.settings.quiet;
      // Quiet hours are those of where the device is.
      if (quiet && quiet.timeZone !== this.#browser.timeZone())
        await this.#set({ ...this.push!.settings, quiet: { ...quiet, timeZone: this.#browser.timeZone() } });
    });
  }

  /** After a tap: the browser asks the person. */
  turnOn(): Promise<void> {
    // Before anything else: browsers take a question only right after the tap.
    const asked = this.#browser.ask();
    return this.#one(async () => {
      const permission = await asked;
      if (permission !== "granted") {
        this.phase = permission === "denied" ? "blocked" : "off";
        return;
      }
      await this.#subscribe((await this.#client.request("push_settings_get", {})).push);
      this.phase = "on";
    });
  }

  turnOff(): Promise<void> {
    return this.#one(async () => {
      this.tested = null;
      await this.#end();
      this.phase = "off";
    });
  }

  /** Changes what is told, and when. */
  save(settings: PushSettings): Promise<void> {
    return this.#one(() => this.#set(settings));
  }

  /** Has one sent now. */
  test(): Promise<void> {
    return this.#one(async () => {
      this.tested = null;
      this.tested = (await this.#client.request("push_test", {}, TEST_LIMIT_MS)).report;
    });
  }

  get timeZone(): string {
    return this.#browser.timeZone();
  }

  async #subscribe(push: PushState): Promise<void> {
    const kept = await keptPush(this.#storage);
    const here = await this.#browser.current(this.#machineId);
    // One of another key can't be used. One that the machine was told and has no more is over at the push service: the same again would be, too.
    const spent = here && ((here.key !== null && here.key !== push.key) || (push.origin === null && here.endpoint === kept?.endpoint));
    if (spent) await this.#browser.drop(this.#machineId);
    const given = await this.#browser.subscribe(this.#machineId, push.key);
    await keepPush(this.#storage, { endpoint: given.endpoint });
    try {
      const { endpoint, p256dh, auth } = given;
      this.push = (await this.#client.request("push_subscribe", { endpoint, p256dh, auth })).push;
    } catch (error) {
      // After a connection that broke, the machine may have it: the next check compares. After a refusal it never will.
      if (error instanceof RequestError && !error.transient) {
        await keepPush(this.#storage, null);
        await this.#browser.drop(this.#machineId);
        this.phase = "off";
      }
      throw error;
    }
  }

  /** Here first: what the machine still sends then arrives nowhere, and the push service tells it so. */
  async #end(): Promise<void> {
    await keepPush(this.#storage, null);
    await this.#browser.drop(this.#machineId);
    try {
      this.push = (await this.#client.request("push_unsubscribe", {})).push;
    } catch (error) {
      if (!(error instanceof RequestError && error.transient)) throw error; // the next check tells the machine
    }
  }

  async #set(settings: PushSettings): Promise<void> {
    this.push = (await this.#client.request("push_settings_set", { settings })).push;
  }

  #one(work: () => Promise<void>): Promise<void> {
    const run = this.#work.then(async () => {
      this.busy = true;
      this.problem = "";
      try {
        await work();
      } catch (error) {
        this.problem = wordsOf(error);
      } finally {
        this.busy = false;
      }
    });
    this.#work = run;
    return run;
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof RequestError)
    return TELLING.has(error.code) && error.message !== error.code ? escapeToText(error.message) : explain(error);
  return error instanceof Error ? escapeToText(error.message) : String(error);
}
