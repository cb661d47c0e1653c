import { catalogue } from "./language";

/** The words of the palette, which comes later than the first load. */
const english = {
  title: "Go to",
  field: "Screen, project, session or command",
  none: "No results.",
  found: (n: number) => (n === 1 ? "1 entry" : `${n} entries`),
  kinds: { screen: "screen", project: "project", session: "session", command: "command" },
  newSession: "New session",
  newSessionIn: (project: string) => `New session in ${project}`,
  part: (project: string, part: string) => `${project}: ${part}`,
  search: "Search in files",
  trash: "Trash",
  keys: "Machine keys",
  usage: "Machine usage",
  status: "Machine status",
  logs: "Machine log",
  run: (command: string) => `Run: ${command}`,
};

export const l: typeof english = catalogue("palette", english);
