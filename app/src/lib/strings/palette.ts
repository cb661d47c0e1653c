/** The words of the palette, which comes later than the first load. */
export const l = {
  title: "Go to",
  field: "A screen, a project, a session or a command",
  none: "Nothing is called so.",
  found: (n: number) => (n === 1 ? "1 entry" : `${n} entries`),
  kinds: { screen: "screen", project: "project", session: "session", command: "command" },
  newSession: "New session",
  newSessionIn: (project: string) => `New session in ${project}`,
  part: (project: string, part: string) => `${project}: ${part}`,
  search: "Search in files",
  trash: "Trash",
  status: "Status of the machine",
  logs: "Log of the machine",
  run: (command: string) => `Run: ${command}`,
};
