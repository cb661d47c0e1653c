import type { PushNotice } from "$lib/protocol/generated";
import type { Shelf, ShowOptions, Shown, Window, Windows } from "./surroundings";

export const MACHINE = "3f9a1c27b5e04d8896aa10c2d7f4e51b";
export const ID = "0198c1d0-0000-7000-8000-000000000f01";

/** A notice of a short command that one tap may allow, as it arrives. */
export function notice(change: Partial<PushNotice>): string {
  const asked: PushNotice = {
    v: 1,
    machineId: MACHINE,
    machine: "atlas",
    kind: "permission",
    tag: `approval/${ID}`,
    waiting: 1,
    at: "2026-11-25T10:00:00+00:00",
    approvalId: ID,
    agentSessionId: ID,
    digest: "9f".repeat(32),
    session: "Fix the login",
    project: "api",
    tier: "read",
    sandbox: "bubblewrap",
    what: "git status",
    whole: true,
    folder: "/home/ada/src/api",
    denies: true,
  };
  return JSON.stringify({ ...asked, ...change });
}

/** Notifications as a system keeps them: one a tag. `told`: every title that was ever shown. */
export class FakeShelf implements Shelf {
  shown: (Shown & ShowOptions)[] = [];
  readonly told: string[] = [];

  async showNotification(title: string, options: ShowOptions): Promise<void> {
    this.told.push(title);
    this.shown = this.shown.filter((one) => one.tag !== options.tag);
    const made = { ...options, title, close: () => void (this.shown = this.shown.filter((one) => one !== made)) };
    this.shown.push(made);
  }

  async getNotifications(filter?: { readonly tag?: string }): Promise<readonly Shown[]> {
    return this.shown.filter((one) => filter?.tag === undefined || one.tag === filter.tag);
  }
}

export class FakeWindows implements Windows {
  readonly opened: string[] = [];
  readonly heard: unknown[] = [];
  pages: Window[] = [];

  /** A page of the app, or of the licences. */
  add(path: string, focused = false): void {
    this.pages.push({
      url: `https://app.example${path}`,
      focused,
      visibilityState: focused ? "visible" : "hidden",
      postMessage: (message) => void this.heard.push(message),
      focus: async () => undefined,
    });
  }

  async matchAll(): Promise<readonly Window[]> {
    return this.pages;
  }

  async openWindow(path: string): Promise<unknown> {
    this.opened.push(path);
    return null;
  }
}
