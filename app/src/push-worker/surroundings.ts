/** The parts of a service worker that this one uses, so that tests can stand in for them. TypeScript's library for pages has no worker's. */
export interface Shown {
  readonly tag: string;
  readonly title: string;
  readonly body: string;
  readonly data: unknown;
  close(): void;
}

/** What a notification is shown with (Notifications API Standard, NotificationOptions). */
export interface ShowOptions {
  readonly body: string;
  readonly tag: string;
  readonly icon: string;
  readonly lang: string;
  readonly silent: boolean;
  readonly renotify: boolean;
  readonly timestamp: number;
  readonly actions: readonly { readonly action: "allow" | "deny"; readonly title: string }[];
  readonly data: unknown;
}

export interface Shelf {
  showNotification(title: string, options: ShowOptions): Promise<void>;
  getNotifications(filter?: { readonly tag?: string }): Promise<readonly Shown[]>;
}

export interface Window {
  readonly url: string;
  readonly focused: boolean;
  readonly visibilityState: string;
  postMessage(message: unknown): void;
  focus(): Promise<unknown>;
}

export interface Windows {
  matchAll(which: { readonly type: "window"; readonly includeUncontrolled: true }): Promise<readonly Window[]>;
  openWindow(path: string): Promise<unknown>;
}
