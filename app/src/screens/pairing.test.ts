import { flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import AppRoot from "../App.svelte";
import type { PairResult } from "$lib/link/pair";
import type { App } from "$lib/stores/app.svelte";
import { t } from "$lib/strings";
import { rare } from "./later";

let shown: Record<string, unknown>;
const dropInvite = vi.fn();
let result: PairResult;
let machines: { machineId: string; name: string }[];
let full: boolean;

const refused = (code: string): PairResult => ({ kind: "refused", refusal: { code, message: "", proved: false } });
const at = (testId: string): HTMLElement | null => document.querySelector(`[data-testid="${testId}"]`);
async function confirm(): Promise<void> {
  document.querySelector("form")?.dispatchEvent(new SubmitEvent("submit", { bubbles: true, cancelable: true }));
  await vi.waitFor(() => {
    flushSync();
    if (document.querySelector('[role="alert"]') === null) throw new Error("no answer yet");
  });
}

beforeEach(async () => {
  await rare.pairing.want();
  dropInvite.mockClear();
  machines = [];
  full = false;
  show();
});

function show(): void {
  const app = {
    phase: "pairing",
    workspace: null,
    machines: { all: machines, find: (id: string) => machines.find((one) => one.machineId === id), full: () => full },
    invite: { machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b" },
    inviteProblem: false,
    dropInvite,
    confirmPairing: async () => result,
  } as unknown as App;
  shown = mount(AppRoot, { target: document.body, props: { app } });
  flushSync();
}
afterEach(() => {
  void unmount(shown);
  document.body.replaceChildren();
});

describe("a link that the machine takes no more", () => {
  it("says how to get another one, with the command in view, and offers nothing that can't work", async () => {
    expect(at("pair-confirm")).not.toBeNull();
    result = refused("pairing_refused");
    await confirm();
    expect(document.querySelector('[role="alert"]')?.textContent).toContain(t.pairing.refused);
    expect(document.body.textContent).toContain(`$ ${t.pairing.howCommand}`);
    expect(document.body.textContent).not.toMatch(/above/i);
    expect(at("pair-confirm")).toBeNull();
    at("pair-another")?.click();
    expect(dropInvite).toHaveBeenCalledTimes(1);
  });

  it.each([
    ["unreachable", { kind: "unreachable" } as const],
    ["refused for another reason", refused("VERSION_UNSUPPORTED")],
  ])("is told from a machine that was %s, where the same link may work yet", async (_, given) => {
    result = given;
    await confirm();
    expect(at("pair-confirm")?.hasAttribute("disabled")).toBe(false);
    expect(at("pair-another")).toBeNull();
  });
});

describe("a device that is paired already", () => {
  const again = (): void => {
    void unmount(shown);
    show();
  };
  const submit = (): HTMLButtonElement => at("pair-confirm") as HTMLButtonElement;

  it("keeps its machines when another one joins", () => {
    machines = [{ machineId: "b2d07e66c41f4e7f90c3aa5518e6f70d", name: "borealis" }];
    again();
    expect(at("pair-joins")?.textContent).toContain(t.pairing.joins(1));
    expect(submit().disabled).toBe(false);
  });

  it("is told when it is this machine that it is paired with", () => {
    machines = [{ machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b", name: "atlas" }];
    again();
    expect(document.body.textContent).toContain(t.pairing.already("atlas"));
    expect(at("pair-joins")).toBeNull();
  });

  it("is told when there is no room, and can't go on", () => {
    full = true;
    again();
    expect(at("pair-full")?.textContent).toContain(t.pairing.full(16));
    expect(submit().disabled).toBe(true);
  });
});
