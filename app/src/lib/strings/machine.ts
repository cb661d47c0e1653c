import type { LinkState } from "../link/link";
import type { MachineLogLevel, ProviderKeyVerdict } from "../protocol/generated";
import { catalogue } from "./language";
import { counted } from "./plural";

/** The words of the machine's status and log, which come later than the first load. */
const english = {
  links: {
    stopped: "Not connected",
    connecting: "Connecting",
    online: "Connected",
    stale: "No answer",
    offline: "Offline",
    refused: "Refused",
    revoked: "Revoked",
    version: "Other version",
  } as Record<LinkState["kind"], string>,
  machines: {
    working: (n: number) => `${counted(n, { one: "session", other: "sessions" })} working`,
    waiting: (n: number) => `${n} waiting`,
  },
  back: "Back to machine",
  add: {
    title: "Add project",
    roots: "Folders on the machine",
    up: "Up",
    use: "Add this folder",
    fresh: "New project here",
    freshName: "Name",
    freshHelp: "A new folder of this name is created here.",
    git: "Create a git repository in it",
    create: "Create",
    repository: "git repository",
    added: "Added",
    empty: "No folders to show here. Hidden folders, symlinks and other users' folders are left out.",
    none: "The owner allows no folder to be added from a device. On the machine, run:",
    noneCommand: "pocketcoder roots add FOLDER",
    more: "Not all folders are shown: there are too many.",
    elsewhere: "For a folder elsewhere, allow its parent folder on the machine:",
    notAllowed: "This device can't add projects. Use one that can manage, or run this in the folder on the machine:",
  },
  project: {
    title: "Project",
    name: "Name",
    path: "Folder",
    remove: "Hold to remove",
    removeHelp: "Files and conversations stay on the machine. Adding the same folder again brings the conversations back.",
  },
  keys: {
    title: "Keys",
    help: "What agents ask their models with",
    intro:
      "With a key here, agents never see it: the machine adds it to their requests. Without one, an agent uses its own login or a key of the machine's environment.",
    usedBy: { anthropic: "Claude Code, OpenCode", openai: "Codex, OpenCode", google: "Gemini CLI, OpenCode" } as Record<string, string>,
    none: "No key",
    stored: "Key stored",
    byOwner: (when: string) => `Set at the machine · ${when}`,
    by: (device: string, when: string) => `Set by “${device}” · ${when}`,
    title_: (provider: string) => `${provider} key`,
    field: "Key",
    replace: "New key",
    fieldHelp:
      "It is sent once over the encrypted channel and stored encrypted on the machine. It is not kept on this device and can't be shown again.",
    account: "Whoever owns the account can see there what agents ask. The change is recorded in the ledger, and every device is told.",
    malformed: (shortest: number, longest: number) => `A key has ${shortest} to ${longest} letters, digits and signs, without spaces.`,
    set: "Save key",
    saved: "Saved. Sessions use it from their next request.",
    removed: "Removed.",
    remove: "Hold to remove",
    budget:
      "The machine's owner set a budget, and without a key agents could get past it. Replace the key here, or remove it on the machine with pocketcoder secrets remove.",
    check: "Check key",
    checking: "Asking the provider",
    verdicts: {
      works: (host: string) => `${host} accepts the key.`,
      refused: (host: string) => `${host} refuses the key. Replace it.`,
      unreachable: (host: string) => `${host} gave no answer in time. Check the machine's network.`,
      unclear: (host: string, status: string) =>
        status === "403"
          ? `${host} does not let this key list models (403). It may still work.`
          : `${host} answered with status ${status}, which says nothing about the key. Try again later.`,
    } as Record<ProviderKeyVerdict, (host: string, status: string) => string>,
    old: "This machine's version can't do that yet. On the machine, run:",
    oldCommand: "pocketcoder secrets set anthropic",
    notAllowed: "This device can't change keys. Use one that can manage, or run this on the machine:",
  },
  status: "Status",
  statusHelp: "Problems, memory, disk, devices",
  logs: "Log",
  logsHelp: "Messages of the daemon, without secrets",
  again: "Refresh",
  wrong: "Problems",
  fine: "No problems found.",
  connection: "Connection",
  state: "State",
  roundTrip: (ms: number) => `${ms} ms round trip`,
  listens: "Listening on",
  clock: (seconds: number) =>
    seconds === 0 ? "in sync" : seconds > 0 ? `${seconds} s ahead of this device` : `${-seconds} s behind this device`,
  clockName: "Clock",
  daemon: "Daemon",
  since: "Running since",
  process: "Process",
  memory: "Daemon memory",
  system: "System",
  available: (free: string, all: string) => `${free} of ${all} free`,
  systemMemory: "Memory",
  disk: "Disk",
  load: "Load",
  loadOf: (load: number, processors: number) => `${load.toFixed(2)} on ${processors === 1 ? "1 processor" : `${processors} processors`}`,
  work: "Work",
  sessions: "Working sessions",
  devices: "Devices",
  devicesOf: (connected: number, paired: number) => `${connected} connected, ${paired} paired`,
  sandbox: "Sandbox",
  noSandbox: "none available",
  unknown: "unknown",
  level: "Level",
  levels: { trace: "All", info: "Info and above", warn: "Warnings and above", error: "Errors only" } as Partial<
    Record<MachineLogLevel, string>
  >,
  level_: { trace: "trace", debug: "debug", info: "info", warn: "warning", error: "error", fatal: "fatal" } as Record<
    MachineLogLevel,
    string
  >,
  none: "No matching lines.",
  error: "Error",
  older: "Older lines",
  mostShown: "The log files on the machine may hold older lines.",
  newest: "Newest first",
  notAllowed: "This device can't read the log. Use one that can manage, or pair this one again with:",
};

export const m: typeof english = catalogue("machine", english);
