import type { PushNotice } from "$lib/protocol/generated";
import { sample } from "$lib/push/testing";
import type { Shelf, ShowOptions, Shown, Window, Windows } from "./surroundings";

export { ID, MACHINE } from "$lib/push/testing";

/** A notice of a short command that one tap may allow, as it arrives. */
export const notice = (change: Partial<PushNotice>): string => JSON.stringify(sample(change));

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
