import { describe, expect, it } from "vitest";
import { RequestError } from "../client/errors";
import { uuid7 } from "../ids/uuid7";
import type { PushSettings, PushState } from "../protocol/generated";
import { Database } from "../storage/database";
import type { PushBrowser } from "./browser";
import { keptPush } from "./kept";
import { Notifications } from "./notifications.svelte";
import type { Subscribed } from "./subscribed";

const MACHINE = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
const SETTINGS: PushSettings = { kinds: ["permission"], quiet: null, digest: false, details: false, afterSeconds: 60 };

/** A machine and a browser that do what they are told. */
class World {
  readonly asked: { type: string; payload: unknown }[] = [];
  readonly storage = new Database(`push-${uuid7()}`).of(MACHINE);
  push: PushState = { key: "key-1", origin: null, settings: SETTINGS, last: null };
  fails: RequestError | null = null;
  permission: NotificationPermission = "granted";
  answer: NotificationPermission = "granted";
  here: Subscribed | null = null;
  browserFails: Error | null = null;
  subscribed = 0;
  dropped = 0;
  zone = "Europe/Paris";
  support: PushBrowser["support"] = "yes";
  questions = 0;

  start(): Notifications {
    const request = async (type: string, payload: unknown): Promise<unknown> => {
      this.asked.push({ type, payload });
      if (this.fails && type !== "push_settings_get") throw this.fails;
      if (type === "push_subscribe") this.push = { ...this.push, origin: new URL((payload as { endpoint: string }).endpoint).origin };
      if (type === "push_unsubscribe") this.push = { ...this.push, origin: null };
      if (type === "push_settings_set") this.push = { ...this.push, settings: (payload as { settings: PushSettings }).settings };
      if (type === "push_test") return { report: { at: "2026-11-25T10:00:00Z", accepted: false, words: "It said 403." } };
      return { push: this.push };
    };
    const browser: PushBrowser = {
      support: this.support,
      permission: () => this.permission,
      ask: async () => {
        this.questions++;
        this.permission = this.answer;
        return this.answer;
      },
      current: async () => this.here,
      subscribe: async (_, key) => {
        if (this.browserFails) throw this.browserFails;
        this.here ??= { endpoint: `https://push.example/${++this.subscribed}`, p256dh: "p", auth: "a", key };
        return this.here;
      },
      drop: async () => {
        this.dropped++;
        this.here = null;
      },
      timeZone: () => this.zone,
    };
    return new Notifications({ request } as never, this.storage, MACHINE, browser);
  }

  /** On since an earlier start. */
  async on(): Promise<void> {
    const one = this.start();
    await one.turnOn();
    expect(one.phase).toBe("on");
    this.asked.length = 0;
  }

  types(): string[] {
    return this.asked.map(({ type }) => type);
  }
}

describe("notifications of a device", () => {
  it("are off at first, and ask nobody", async () => {
    const world = new World();
    world.permission = "default";
    const one = world.start();
    await one.check();
    expect([one.phase, world.questions, world.types()]).toEqual(["off", 0, ["push_settings_get"]]);
  });

  it("are turned on: asked, subscribed with the machine's key, told the machine, remembered", async () => {
    const world = new World();
    world.permission = "default";
    const one = world.start();
    await one.turnOn();
    expect([one.phase, one.problem, world.questions]).toEqual(["on", "", 1]);
    expect(world.here?.key).toBe("key-1");
    expect(world.asked.at(-1)).toEqual({ type: "push_subscribe", payload: { endpoint: "https://push.example/1", p256dh: "p", auth: "a" } });
    expect(await keptPush(world.storage)).toEqual({ endpoint: "https://push.example/1" });
  });

  it.each([
    ["denied", "blocked"],
    ["default", "off"],
  ] as const)("stay off when the person's answer is %s", async (answer, phase) => {
    const world = new World();
    world.permission = "default";
    world.answer = answer;
    const one = world.start();
    await one.turnOn();
    expect([one.phase, world.types(), world.subscribed]).toEqual([phase, [], 0]);
  });

  it("say what the machine says when it refuses, and leave nothing behind", async () => {
    const world = new World();
    world.fails = new RequestError("INVALID_REQUEST", "The endpoint must name a host, with no port but 443.");
    const one = world.start();
    await one.turnOn();
    expect([one.phase, one.problem]).toEqual(["off", "The endpoint must name a host, with no port but 443."]);
    expect([world.here, await keptPush(world.storage)]).toEqual([null, undefined]);
  });

  it("say what the browser says when its push service fails", async () => {
    const world = new World();
    world.browserFails = new Error("Registration failed - push service not available");
    const one = world.start();
    await one.turnOn();
    expect(one.phase).toBe("unknown");
    expect(one.problem).toContain("push service not available");
    expect(world.types()).not.toContain("push_subscribe");
  });

  it("are compared at the next start when the connection broke on the way", async () => {
    const world = new World();
    world.fails = new RequestError("OFFLINE", "x");
    await world.start().turnOn();
    world.fails = null;
    const next = world.start();
    await next.check();
    expect([next.phase, world.push.origin]).toEqual(["on", "https://push.example"]);
  });

  it("are left alone when nothing changed", async () => {
    const world = new World();
    await world.on();
    const next = world.start();
    await next.check();
    expect([next.phase, world.types(), world.subscribed]).toEqual(["on", ["push_settings_get"], 1]);
  });

  it.each<[string, (world: World) => void]>([
    ["the browser dropped the subscription", (world) => (world.here = null)],
    ["the browser has another one", (world) => (world.here = { endpoint: "https://push.example/9", p256dh: "p", auth: "a", key: "key-1" })],
    ["the machine has another key", (world) => (world.push = { ...world.push, key: "key-2" })],
    ["the push service had said that it is over", (world) => (world.push = { ...world.push, origin: null })],
  ])("are subscribed anew when %s", async (_, change) => {
    const world = new World();
    await world.on();
    const before = world.here?.endpoint;
    change(world);
    const next = world.start();
    await next.check();
    expect([next.phase, world.push.origin, world.here?.key]).toEqual(["on", "https://push.example", world.push.key]);
    expect(world.here?.endpoint).not.toBe(before);
    expect(await keptPush(world.storage)).toEqual({ endpoint: world.here?.endpoint });
  });

  it("end at the machine, too, when the person takes the permission back", async () => {
    const world = new World();
    await world.on();
    world.permission = "denied";
    const next = world.start();
    await next.check();
    expect([next.phase, world.push.origin, world.here]).toEqual(["blocked", null, null]);
  });

  it("end at the machine when this browser knows nothing of them", async () => {
    const world = new World();
    world.push = { ...world.push, origin: "https://push.example" };
    const one = world.start();
    await one.check();
    expect([one.phase, world.push.origin]).toEqual(["off", null]);
  });

  it("are turned off without a connection, and at the machine once there is one", async () => {
    const world = new World();
    await world.on();
    world.fails = new RequestError("OFFLINE", "x");
    const one = world.start();
    await one.turnOff();
    expect([one.phase, one.problem, world.here, world.push.origin]).toEqual(["off", "", null, "https://push.example"]);
    world.fails = null;
    await one.check();
    expect([one.phase, world.push.origin]).toEqual(["off", null]);
  });

  it("keep their settings at the machine, and quiet hours where the device is", async () => {
    const world = new World();
    await world.on();
    const one = world.start();
    await one.check();
    await one.save({ ...SETTINGS, quiet: { from: "22:00", to: "07:00", timeZone: one.timeZone } });
    expect(one.push?.settings.quiet?.timeZone).toBe("Europe/Paris");
    world.zone = "Asia/Tokyo";
    const later = world.start();
    await later.check();
    expect(world.push.settings.quiet).toEqual({ from: "22:00", to: "07:00", timeZone: "Asia/Tokyo" });
  });

  it("show what was refused of a setting and keep the one before", async () => {
    const world = new World();
    await world.on();
    const one = world.start();
    await one.check();
    world.fails = new RequestError("INVALID_REQUEST", "The settings were not taken: quiet hours need two different times like 22:00.");
    await one.save({ ...SETTINGS, digest: true });
    expect(one.problem).toContain("two different times");
    expect(one.push?.settings.digest).toBe(false);
  });

  it("are tried, and say what became of it", async () => {
    const world = new World();
    await world.on();
    const one = world.start();
    await one.test();
    expect(one.tested).toMatchObject({ accepted: false, words: "It said 403." });
  });

  it.each([
    ["install", "install"],
    ["no", "unsupported"],
  ] as const)("say so where the browser has none (%s)", async (support, phase) => {
    const world = new World();
    world.support = support;
    const one = world.start();
    await one.check();
    expect([one.phase, world.asked]).toEqual([phase, []]);
  });
});
