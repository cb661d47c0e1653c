import { describe, expect, it } from "vitest";
import { RequestError } from "../client/errors";
import type { CloneInfo, Requests } from "../protocol/generated";
import { nameOf, tokenHost, whyNot } from "./cloning";
import { Cloning } from "./cloning.svelte";

const info = (cloneId: string, more: Partial<CloneInfo> = {}): CloneInfo => ({
  cloneId,
  path: "/home/ada/shop",
  address: "https://git.example/shop.git",
  state: "running",
  phase: "connecting",
  percent: null,
  project: null,
  error: null,
  ...more,
});

type Type = "project_clone" | "project_clone_get" | "project_clone_cancel";

function asking(answer: (type: Type, payload: Record<string, unknown>) => unknown): ConstructorParameters<typeof Cloning>[0] {
  return {
    request: async <T extends Type>(type: T, payload: Requests[T]["request"]) =>
      answer(type, payload as Record<string, unknown>) as Requests[T]["response"],
  };
}

describe("what a repository is called", () => {
  it.each([
    ["https://github.com/ada/shop.git", "shop"],
    ["https://github.com/ada/shop/", "shop"],
    ["git@github.com:ada/shop.git", "shop"],
    ["git@host:shop.GIT", "shop"],
    ["ssh://ada@host:2222/~/code/shop", "shop"],
    [" https://host/a/.dotted.git ", "dotted"],
    ["https://host/.git", ""],
    ["", ""],
    ["///", ""],
  ])("%s", (address, name) => {
    expect(nameOf(address)).toBe(name);
  });
});

describe("why a clone failed", () => {
  it("names the host whose token is missing, and no other", () => {
    const error = { code: "GIT_AUTH_REQUIRED", message: "" } as const;
    expect(tokenHost(info("1", { error }))).toBe("git.example");
    expect(tokenHost(info("1", { error, address: "https://ada@Git.Example:8443/a" }))).toBe("git.example:8443");
    expect(tokenHost(info("1", { error, address: "git@git.example:a" }))).toBeNull();
    expect(tokenHost(info("1", { error, address: "https://a b/c" }))).toBeNull();
    expect(tokenHost(info("1"))).toBeNull();
  });

  it("says it in its own words, with git's where they tell more", () => {
    expect(whyNot(new RequestError("GIT_ERROR", "No.", { reason: "not_found" }))).toMatch(/no repository.* No\.$/u);
    expect(whyNot(new RequestError("CONFLICT", "x", { reason: "clone_running" }))).toContain("one repository at a time");
    expect(whyNot(new RequestError("FILE_EXISTS", "x"))).not.toContain(" x");
    expect(whyNot(new RequestError("TURN_NOT_FOUND", "x"))).not.toBe("");
    expect(whyNot(new RequestError("PERMISSION_DENIED", "a\u202eb"))).not.toContain("\u202e");
  });
});

describe("a clone", () => {
  it("sends the same id again after an answer that got lost, and another one after a refusal", async () => {
    const ids: unknown[] = [];
    const answers = [new RequestError("TIMEOUT", ""), new RequestError("FILE_EXISTS", ""), null];
    const cloning = new Cloning(
      asking((_, { cloneId }) => {
        ids.push(cloneId);
        const error = answers.shift();
        if (error) throw error;
        return { cloning: info(String(cloneId)) };
      }),
    );
    expect(await cloning.begin("/home/ada", "shop", "a@b:c")).toBe(false);
    expect(await cloning.begin("/home/ada", "shop", "a@b:c")).toBe(false);
    expect(await cloning.begin("/home/ada", "shop", "a@b:c")).toBe(true);
    expect(ids[0]).toBe(ids[1]);
    expect(ids[1]).not.toBe(ids[2]);
    expect([cloning.running, cloning.mine, cloning.problem]).toEqual([true, true, ""]);
  });

  it("shows what runs, hears only of that, and keeps how it ended until it is dismissed", async () => {
    const cloning = new Cloning(asking(() => ({ cloning: info("1") })));
    cloning.hear(info("0", { state: "failed" }));
    expect(cloning.at).toBeNull();
    await cloning.look();
    cloning.hear(info("2", { percent: 9 }));
    expect(cloning.at?.percent).toBeNull();
    cloning.hear(info("1", { phase: "receiving", percent: 40 }));
    expect([cloning.at?.percent, cloning.mine]).toEqual([40, false]);
    cloning.dismiss();
    expect(cloning.running).toBe(true);
    cloning.hear(info("1", { state: "cancelled" }));
    cloning.hear(info("1", { percent: 50 }));
    expect(cloning.at?.state).toBe("cancelled");
    await cloning.look();
    expect(cloning.at?.state).toBe("cancelled");
    cloning.dismiss();
    expect(cloning.at).toBeNull();
  });

  it("keeps what it shows when a look fails, and says why it could not be cancelled", async () => {
    const cloning = new Cloning(
      asking((type) => {
        if (type === "project_clone") return { cloning: info("1") };
        throw new RequestError("OFFLINE", "");
      }),
    );
    await cloning.begin("/a", "b", "c@d:e");
    await cloning.look();
    expect(cloning.running).toBe(true);
    await cloning.cancel();
    expect([cloning.running, cloning.problem === ""]).toEqual([true, false]);
  });
});
