import { describe, expect, it } from "vitest";
import { Presence } from "./presence";

function world(): { said: boolean[]; presence: Presence; look: (sees: boolean) => void; watched: () => boolean; fails: { now: boolean } } {
  const said: boolean[] = [];
  let sees = true;
  let changed: (() => void) | null = null;
  const fails = { now: false };
  const presence = new Presence(
    async (visible) => {
      said.push(visible);
      if (fails.now) throw new Error("gone");
    },
    {
      sees: () => sees,
      watch: (heard) => {
        changed = heard;
        return () => (changed = null);
      },
    },
  );
  return {
    said,
    presence,
    fails,
    watched: () => changed !== null,
    look: (now) => {
      sees = now;
      changed?.();
    },
  };
}

describe("whether somebody looks", () => {
  it("is said on a connection, and when it changes", () => {
    const { said, presence, look } = world();
    look(true);
    expect(said).toEqual([]); // nobody to say it to
    presence.connected();
    look(true); // focus and visibility change together
    look(false);
    look(false);
    look(true);
    expect(said).toEqual([true, false, true]);
  });

  it("is said anew on each connection, as it is then", () => {
    const { said, presence, look } = world();
    presence.connected();
    presence.disconnected();
    look(false);
    presence.connected();
    expect(said).toEqual([true, false]);
  });

  it("may fail to be said, and is not said any more at the end", async () => {
    const { said, presence, look, fails, watched } = world();
    fails.now = true;
    presence.connected();
    await Promise.resolve();
    presence.stop();
    look(false);
    expect(said).toEqual([true]);
    expect(watched()).toBe(false);
  });
});
