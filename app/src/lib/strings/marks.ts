import { catalogue } from "./language";
import { counted } from "./plural";

/** The words for marking and deleting sessions, which come later than the first load. */
const english = {
  bar: "Selected sessions",
  selected: (n: number) => counted(n, { one: "selected", other: "selected" }),
  leave: "End selection",
  all: "Select all",
  read: "Read",
  pin: "Pin",
  unpin: "Unpin",
  label: "Labels",
  snooze: "Snooze",
  wake: "End snooze",
  archive: "Archive",
  unarchive: "Unarchive",
  remove: "Delete",
  done: (n: number) => `${counted(n, { one: "session", other: "sessions" })} changed`,
  failed: (n: number) => `${counted(n, { one: "session was", other: "sessions were" })} not changed:`,
  busy: "It is working, waits for you, or is in use. Stop or answer it first.",
  labels: {
    title: "Labels",
    add: "New label",
    addButton: "Add",
    help: (n: number, length: number) => `Up to ${n} per session, ${length} characters each.`,
    some: "on some",
    tooMany: (n: number) => `A session has at most ${n} labels.`,
  },
  times: {
    title: "Snooze until",
    hour: "In an hour",
    evening: "This evening",
    tomorrow: "Tomorrow morning",
    week: "Next week",
    own: "Another time",
    set: "Snooze",
    help: "A snoozed session returns at that time, or at once when it needs you or fails.",
  },
  deletion: {
    title: (n: number) => `Delete ${counted(n, { one: "session", other: "sessions" })}?`,
    gone: "The conversation, its attachments, its outputs, its undo snapshots and its copies on your devices are deleted for good.",
    stays:
      "The ledger keeps its rows: what was asked, decided and run, and that you deleted the session. An agent's own record outside PocketCoder's folder stays, and so do backups.",
    rest: "A session that is working is not deleted.",
    confirm: "Hold to delete",
    scope: "Deleting needs a device paired with the manage scope.",
    later: (title: string) => `“${title}” is deleted. The rest of its files is deleted when the machine starts next.`,
  },
};

export const k: typeof english = catalogue("marks", english);
