import { type Component, flushSync, mount, unmount } from "svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import InWorkspace from "../dev/InWorkspace.svelte";
import { RequestError } from "$lib/client/errors";
import type { Workspace } from "$lib/stores/workspace.svelte";
import { t } from "$lib/strings";
import ExecutionTail from "./ExecutionTail.svelte";

interface Asked {
  readonly approvalId: string;
  readonly offset: number;
  readonly limit: number;
}
let output: string | RequestError;
let visibility: DocumentVisibilityState;
const request = vi.fn(async (_type: string, { approvalId, offset, limit }: Asked) => {
  if (output instanceof RequestError) throw output;
  return { approvalId, offset, data: btoa(output.slice(offset, offset + limit)), kept: output.length, total: output.length, running: true };
});
let shown: Record<string, unknown> | null = null;

function show(running: boolean): void {
  const workspace = { client: { request } } as unknown as Workspace;
  const part = ExecutionTail as unknown as Component<Record<string, unknown>>;
  shown = mount(InWorkspace, { target: document.body, props: { workspace, part, given: { approvalId: "a", label: "Output", running } } });
  flushSync();
}
/** So many seconds pass, with all that is asked and answered in them. */
async function pass(seconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
  flushSync();
}
const tail = (): string | null => document.querySelector('[data-testid="execution-tail"]')?.textContent.trim() ?? null;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  request.mockClear();
  output = "";
  visibility = "visible";
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => visibility });
});
afterEach(() => {
  if (shown) void unmount(shown);
  shown = null;
  document.body.replaceChildren();
  Reflect.deleteProperty(document, "visibilityState");
  vi.useRealTimers();
});

describe("the end of what a command writes", () => {
  it("is asked for again while there is none yet, without calling that a problem", async () => {
    output = new RequestError("FILE_NOT_FOUND", "");
    show(true);
    await pass(3);
    expect(request).toHaveBeenCalledTimes(4);
    expect(tail()).toBeNull();
    output = "214 passed\n";
    await pass(1);
    expect(tail()).toBe("214 passed");
    output += "done\n";
    await pass(1);
    expect(tail()).toContain("done");
  });

  it("says any other problem, and is there again once it passed", async () => {
    output = new RequestError("DAEMON_BUSY", "");
    show(true);
    await pass(0);
    expect(tail()).toBe(t.errors.DAEMON_BUSY);
    output = "on its way\n";
    await pass(1);
    expect(tail()).toBe("on its way");
  });

  it("is asked for once when the command is over, kept or not", async () => {
    output = new RequestError("FILE_NOT_FOUND", "");
    show(false);
    await pass(10);
    expect(request).toHaveBeenCalledTimes(1);
    expect(tail()).toBeNull();
  });

  it("is not asked for while nobody looks, nor after it left the screen", async () => {
    output = "a\n";
    visibility = "hidden";
    show(true);
    await pass(5);
    expect(request).not.toHaveBeenCalled();
    visibility = "visible";
    await pass(1);
    expect(tail()).toBe("a");
    if (shown) void unmount(shown);
    shown = null;
    request.mockClear();
    await pass(5);
    expect(request).not.toHaveBeenCalled();
  });

  it("fetches the end of much, not all of it", async () => {
    output = `${"x".repeat(100_000)}the end\n`;
    show(true);
    await pass(0);
    expect(tail()?.endsWith("the end")).toBe(true);
    expect(request.mock.calls.map(([, asked]) => asked.limit).every((limit) => limit <= 32 * 1024)).toBe(true);
    expect(request).toHaveBeenCalledTimes(2);
  });
});
