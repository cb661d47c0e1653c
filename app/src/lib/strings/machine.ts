import type { LinkState } from "../link/link";
import type { MachineLogLevel } from "../protocol/generated";
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
