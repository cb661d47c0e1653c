import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, describe, expect, it, vi } from "vitest";
import InWorkspace from "../dev/InWorkspace.svelte";
import type { DeviceInfo } from "$lib/protocol/generated";
import type { Workspace } from "$lib/stores/workspace.svelte";
import { t } from "$lib/strings/all";
import Devices from "./Devices.svelte";

const NOW = Date.parse("2026-11-26T10:00:00Z");
const phone: DeviceInfo = {
  deviceId: "phone",
  name: "Pixel",
  app: "app/0.1.0",
  scopes: ["view", "manage"],
  pairedAt: "2026-11-20T10:00:00Z",
  lastSeenAt: "2026-11-26T10:00:00Z",
  connected: true,
  revokedAt: null,
};
const ann: DeviceInfo = {
  ...phone,
  deviceId: "ann",
  name: "Ann",
  app: "feishu",
  scopes: ["view", "decide"],
  lastSeenAt: "2026-11-26T09:48:00Z",
  connected: false,
  platform: "feishu",
};
const revokeDevice = vi.fn(async () => undefined);
let shown: Record<string, unknown> | null = null;

function show(devices: readonly DeviceInfo[], scopes: readonly string[] = ["view", "manage"]): HTMLElement[] {
  const workspace = {
    devices,
    online: true,
    now: NOW,
    hello: { deviceId: "phone" },
    can: (scope: string) => scopes.includes(scope),
    readDevices: async () => undefined,
    revokeDevice,
  } as unknown as Workspace;
  const part = Devices as unknown as Component<Record<string, unknown>>;
  shown = mount(InWorkspace, { target: document.body, props: { workspace, part, given: {} } });
  flushSync();
  return [...document.querySelectorAll<HTMLElement>('[data-testid="device"]')];
}
const words = (row: HTMLElement | undefined): string => row?.textContent.replaceAll(/\s+/g, " ").trim() ?? "";

afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  document.body.replaceChildren();
  revokeDevice.mockClear();
});

describe("someone in a chat, among the devices", () => {
  it("is named by the platform and by what they wrote, with no word of an app, a connection or a key", () => {
    const rows = show([phone, ann]);
    expect(words(rows[0])).toContain(`${t.you.thisDevice} ${t.you.connected} ·`);
    expect(words(rows[0])).toContain("app/0.1.0 · can view, can manage");
    expect(rows[1]?.querySelector(".pill")?.textContent).toBe("Feishu");
    expect(words(rows[1])).toMatch(/^Ann ?Feishu last wrote .+ · paired .+ Feishu says who writes · can view, can approve$/);
  });

  it("is never shown as connected or as this device, whatever the machine says", () => {
    const [row] = show([{ ...ann, deviceId: "phone", connected: true, lastSeenAt: null }]);
    expect(words(row)).toContain(t.you.neverWrote);
    expect(words(row)).not.toContain(t.you.connected);
    expect(words(row)).not.toContain(t.you.thisDevice);
  });

  it("has a platform that nobody knows here by its own word, with what hides in it shown", () => {
    const [row, other] = show([
      { ...ann, platform: "sl\u202eack" },
      { ...ann, deviceId: "x", platform: "constructor" },
    ]);
    expect(row?.querySelector(".pill")?.textContent).not.toContain("\u202e");
    expect(row?.querySelector(".pill .code-chip")).not.toBeNull();
    expect(other?.querySelector(".pill")?.textContent).toBe("constructor");
  });

  it("is revoked after being asked in words of a chat", () => {
    const rows = show([phone, ann]);
    rows[1]?.querySelector<HTMLElement>('[data-testid="revoke"]')?.click();
    flushSync();
    expect(document.body.textContent).toContain(t.you.revokeSureChat("Ann"));
    expect(document.body.textContent).not.toContain(t.you.revokeSure("Ann"));
    document.querySelector<HTMLElement>('[data-testid="revoke-confirm"]')?.click();
    expect(revokeDevice).toHaveBeenCalledExactlyOnceWith("ann");
  });

  it("can't be changed from a device that may not manage, nor once revoked", () => {
    for (const row of show([phone, ann], ["view"])) expect(row.querySelector("button")).toBeNull();
    if (shown) void unmount(shown);
    document.body.replaceChildren();
    const [row] = show([{ ...ann, revokedAt: "2026-11-26T09:50:00Z" }]);
    expect(row?.querySelector("button")).toBeNull();
    expect(row?.classList.contains("gone")).toBe(true);
  });
});
