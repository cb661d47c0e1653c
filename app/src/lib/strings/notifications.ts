import type { Phase } from "../push/notifications.svelte";
import type { PushKind } from "../protocol/generated";
import { catalogue } from "./language";

/** The words of the screen of notifications. Those of notifications themselves are in `push`. */
const english = {
  title: "Notifications",
  phases: {
    unknown: "Looking",
    unsupported: "Not supported by this browser",
    install: "Needs the home screen",
    blocked: "Blocked in the browser",
    off: "Off on this device",
    on: "On for this device",
  } satisfies Record<Phase, string>,
  about:
    "The machine tells this device what waits for you while the app is closed. What it sends is sealed for this device; the push service can't read it.",
  unsupported: "This browser can't receive notifications here. It needs push messages and an https address.",
  install:
    "On an iPhone or iPad, notifications need the app on the home screen: tap Share, then Add to Home Screen, and open it from there.",
  blocked: "The browser blocks notifications from this address. Allow them in the browser's settings for this site, then come back.",
  off: "Off. While the app is open in the background, it can still notify you once notifications are allowed.",
  turnOn: "Turn on notifications",
  turnOff: "Turn off on this device",
  offline: "Needs a connection to the machine.",
  via: (origin: string) => `Sent through ${origin}`,
  failed: "That did not work",
  tell: "Notify me of",
  kinds: {
    permission: "Commands, edits, files and hosts that need approval",
    mcp_request: "Other tools that need approval",
    question: "Questions",
    plan: "Plans",
    task_complete: "Finished work",
    task_error: "Work that failed",
  } satisfies Record<PushKind, string>,
  after: "Work counts when it took at least",
  afterSeconds: { 0: "any time", 30: "30 seconds", 60: "1 minute", 300: "5 minutes", 900: "15 minutes", 3600: "1 hour" } as Record<
    number,
    string
  >,
  seconds: (n: number) => `${n} seconds`,
  quiet: "Quiet hours",
  quietHelp: (zone: string) =>
    `Nothing is sent then; what still waits afterwards is. Approvals that nobody decides in time are denied, quiet or not. Time zone: ${zone}.`,
  from: "From",
  to: "To",
  digest: "At most one in 15 minutes",
  digestHelp: "It counts what waits, and offers no buttons.",
  details: "Show what is asked for",
  detailsHelp:
    "Also on a locked screen. Short commands that at most change the project can then be allowed from the notification, by whoever can tap it. Deny is always offered to devices that can approve.",
  test: "Send a test",
  testing: "Sending",
  accepted: "The push service took it. It should appear now.",
  refused: "It was not delivered",
  last: (when: string) => `Last sent ${when}`,
};

export const n: typeof english = catalogue("notifications", english);
