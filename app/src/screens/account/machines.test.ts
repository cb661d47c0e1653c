import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import Machines from "./Machines.svelte";
import { account, AccountError, type AskingMachine, type Me, type ReachableMachine } from "$lib/accounts";
import { a } from "$lib/strings/account";

const ME: Me = { name: "ada", role: "owner", scopes: [], machines: null, signIns: [], password: true, passkeys: [], services: [] };
const BOX: ReachableMachine = { machineId: "m1", label: "box", connected: false, since: null, addedAt: null, addedBy: "grace" };
const ASKING: AskingMachine = {
  id: "r1",
  label: "new\u202Ebox",
  fingerprint: "lusab-babad-gutih-tugad",
  remote: "192.0.2.7",
  askedAt: Date.now(),
};
let shown: Record<string, unknown> | null = null;
const find = vi.spyOn(account, "findMachine");
const add = vi.spyOn(account, "addMachine");
const refuse = vi.spyOn(account, "refuseMachine");

const part = (id: string): HTMLElement | null => document.querySelector<HTMLElement>(`[data-testid="${id}"]`);

async function settle(): Promise<void> {
  await new Promise((done) => setTimeout(done, 0));
  flushSync();
}

async function show(me: Me | null, code = ""): Promise<void> {
  vi.spyOn(account, "me").mockImplementation(async () => {
    if (me) return me;
    throw new AccountError("not_signed_in");
  });
  vi.spyOn(account, "machines").mockResolvedValue([BOX]);
  vi.spyOn(account, "offersPasskeys").mockResolvedValue(false);
  shown = mount(Machines, { target: document.body, props: { onback: () => undefined, code } });
  flushSync();
  await settle();
  await settle();
}

beforeEach(() => {
  find.mockReset().mockResolvedValue(ASKING);
  add.mockReset().mockResolvedValue(undefined);
  refuse.mockReset().mockResolvedValue(undefined);
});

afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  document.body.replaceChildren();
});

describe("a machine that asks", () => {
  it("is shown at once to whoever opened its link, with the words to compare and nothing hidden in its name", async () => {
    await show(ME, "ABCD2345");
    expect(find).toHaveBeenCalledExactlyOnceWith("ABCD2345");
    expect(part("machine-words")?.textContent).toBe(ASKING.fingerprint);
    expect(part("machine-asking")?.textContent).toContain("192.0.2.7");
    expect(part("machine-asking")?.textContent).not.toContain("\u202E");
    expect(add).not.toHaveBeenCalled(); // looking decides nothing
    part("machine-add")?.click();
    await settle();
    expect(add).toHaveBeenCalledExactlyOnceWith("r1");
    expect(refuse).not.toHaveBeenCalled();
    expect(part("machine-told")?.textContent).toContain("was let in");
    expect(part("machine-asking")).toBeNull();
  });

  it("is refused by what was found, and may be gone by then", async () => {
    refuse.mockRejectedValue(new AccountError("not_found"));
    await show(ME, "ABCD2345");
    part("machine-refuse")?.click();
    await settle();
    expect(refuse).toHaveBeenCalledExactlyOnceWith("r1");
    expect(part("account-problem")?.textContent).toContain(a.machines.gone);
    expect(part("machine-told")).toBeNull();
  });

  it("that nobody finds is told with what helps", async () => {
    find.mockRejectedValue(new AccountError("not_found"));
    await show(ME, "ABCD2345");
    expect(part("account-problem")?.textContent).toContain(a.machines.noCode);
    expect(part("machine-add")).toBeNull();
  });

  it.each(["viewer", "operator"] as const)("is nothing that a %s can decide about", async (role) => {
    await show({ ...ME, role }, "ABCD2345");
    expect(find).not.toHaveBeenCalled();
    expect(part("machine-not-yours")).not.toBeNull();
    for (const id of ["machine-code", "machine-add", "machine-remove"]) expect(part(id)).toBeNull();
  });
});

describe("the machines", () => {
  it("are listed with who let them in", async () => {
    await show(ME);
    expect(find).not.toHaveBeenCalled();
    expect(part("gateway-machine")?.textContent).toContain("by grace");
    expect((part("machine-find") as HTMLButtonElement | null)?.disabled).toBe(true);
  });
});
