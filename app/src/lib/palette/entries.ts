import type { AnyIconName } from "../../components/icons-later";
import type { CommandFavourite, ProjectInfo, SessionInfo } from "../protocol/generated";
import type { Route } from "../router/router.svelte";
import { t } from "../strings/all";
import { n } from "../strings/notifications";
import { l } from "../strings/palette";
import { p } from "../strings/project";

/** Somewhere to go from the palette. */
export interface Entry {
  readonly id: string;
  readonly title: string;
  readonly kind: keyof typeof l.kinds;
  readonly icon: AnyIconName;
  readonly route: Route;
}

interface Known {
  readonly projects: readonly ProjectInfo[];
  readonly sessions: readonly SessionInfo[];
  /** Where the person is: its screens and commands come first. */
  readonly projectId: string | null;
  readonly favourites: readonly CommandFavourite[];
  readonly manages: boolean;
}

/** Everything that can be gone to, the nearest first. A command is only put into its line: running it stays a tap of its own. */
export function entriesOf({ projects, sessions, projectId, favourites, manages }: Known): Entry[] {
  const here = projects.find((project) => project.projectId === projectId);
  const others = projects.filter((project) => project !== here && !project.missing);
  return [
    ...(here ? [...favourites.map((favourite) => command(here, favourite)), ...inside(here), ...parts(here)] : []),
    screen("inbox", t.nav.inbox, "inbox", { name: "inbox", approvalId: null }),
    screen("sessions", t.nav.sessions, "messages-square", { name: "sessions", agentSessionId: null }),
    screen("new", l.newSession, "plus", { name: "new", projectId: null }),
    screen("machine", t.nav.machine, "server", { name: "machine" }),
    screen("status", l.status, "cpu", { name: "machine", page: "status" }),
    screen("usage", l.usage, "chart-column", { name: "machine", page: "usage" }),
    ...(manages
      ? [
          screen("logs", l.logs, "scroll-text", { name: "machine", page: "logs" }),
          screen("keys", l.keys, "key-round", { name: "machine", page: "keys" }),
        ]
      : []),
    screen("you", t.nav.you, "user-round", { name: "you", page: null }),
    screen("devices", t.you.devices, "monitor-smartphone", { name: "you", page: "devices" }),
    screen("notifications", n.title, "bell", { name: "you", page: "notifications" }),
    screen("ledger", t.you.ledger, "scroll-text", { name: "you", page: "ledger" }),
    ...others.flatMap(parts),
    ...[...sessions]
      .filter((session) => !session.archived)
      .sort((a, b) => Date.parse(b.updatedAt) - Date.parse(a.updatedAt))
      .map((session): Entry => ({
        id: `session ${session.agentSessionId}`,
        title: session.title || t.sessions.untitled,
        kind: "session",
        icon: "messages-square",
        route: { name: "sessions", agentSessionId: session.agentSessionId },
      })),
  ];
}

function screen(id: string, title: string, icon: AnyIconName, route: Route): Entry {
  return { id, title, kind: "screen", icon, route };
}

function parts({ projectId, name }: ProjectInfo): Entry[] {
  const of = (tab: "files" | "git" | "runs", icon: AnyIconName): Entry => ({
    id: `${projectId} ${tab}`,
    title: l.part(name, p.tabs[tab]),
    kind: "project",
    icon,
    route: { name: "project", projectId, tab, at: [] },
  });
  return [
    of("files", "folder"),
    of("git", "git-branch"),
    of("runs", "terminal"),
    { id: `${projectId} new`, title: l.newSessionIn(name), kind: "project", icon: "plus", route: { name: "new", projectId } },
  ];
}

/** What is within the project where the person is. */
function inside({ projectId, name }: ProjectInfo): Entry[] {
  const of = (title: string, icon: AnyIconName, tab: "files" | "git", at: string): Entry => ({
    id: `${projectId} ${tab} ${at}`,
    title: l.part(name, title),
    kind: "project",
    icon,
    route: { name: "project", projectId, tab, at: [at] },
  });
  return [
    of(l.search, "search", "files", "search"),
    of(p.git.log, "clock", "git", "log"),
    of(p.git.branches, "git-branch", "git", "branches"),
    of(p.git.compare, "git-fork", "git", "compare"),
    of(p.git.stashes, "archive", "git", "stash"),
    of(p.git.tags, "star", "git", "tags"),
    of(p.git.worktrees, "git-branch", "git", "worktrees"),
    of(l.trash, "trash", "files", "trash"),
  ];
}

function command({ projectId }: ProjectInfo, favourite: CommandFavourite): Entry {
  return {
    id: `${projectId} run ${favourite.command}`,
    title: l.run(favourite.name),
    kind: "command",
    icon: "terminal",
    route: { name: "project", projectId, tab: "runs", at: ["fill", favourite.command] },
  };
}
