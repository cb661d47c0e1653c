export type Route =
  | { readonly name: "inbox"; readonly approvalId: string | null }
  /** `machineId`: of another machine than the one that is shown. */
  | { readonly name: "review"; readonly approvalId: string | null; readonly machineId?: string | undefined }
  | { readonly name: "sessions"; readonly agentSessionId: string | null; readonly terminal?: string | undefined }
  | { readonly name: "new"; readonly projectId: string | null }
  | { readonly name: "machine"; readonly page?: MachinePage | undefined }
  | ProjectRoute
  | { readonly name: "you"; readonly page: YouPage | null };

const YOU_PAGES = ["devices", "ledger", "notifications", "account", "people", "machines"] as const;
export type YouPage = (typeof YOU_PAGES)[number];

export type MachinePage = "status" | "logs" | "add" | "keys" | "usage";

export type ProjectTab = "files" | "git" | "runs";

/** `at`: where within the tab, such as `["file", "src/a.ts", "12"]`; the tab's own screens know what it means. */
export interface ProjectRoute {
  readonly name: "project";
  readonly projectId: string;
  readonly tab: ProjectTab;
  readonly at: readonly string[];
}

/** A piece of an address. Without dots: the gateway takes what has one for a file of the app. */
function piece(text: string): string {
  return encodeURIComponent(text).replace(/~/g, "~t").replace(/\./g, "~d");
}

function unpiece(text: string): string | null {
  try {
    return decodeURIComponent(text.replace(/~d/g, ".").replace(/~t/g, "~"));
  } catch {
    return null; // a broken escape
  }
}

function idOf(part: string | undefined): string | null {
  return part !== undefined && /^[\w-]{1,64}$/.test(part) ? part : null;
}

/** Addresses are paths; unknown ones are the inbox. */
export function parseRoute(path: string): Route {
  const [first, second, third, fourth] = path.split("/").filter((part) => part !== "");
  const id = idOf(second);
  switch (first) {
    case "approvals":
      return { name: "inbox", approvalId: id };
    case "review":
      return { name: "review", approvalId: id, machineId: idOf(third) ?? undefined };
    case "sessions":
      return id !== null && third === "terminal"
        ? {
            name: "sessions",
            agentSessionId: id,
            terminal: fourth !== undefined && /^[A-Za-z0-9][A-Za-z0-9-]{0,31}$/.test(fourth) ? fourth : "main",
          }
        : { name: "sessions", agentSessionId: id };
    case "new":
      return { name: "new", projectId: id };
    case "machine":
      return second === "status" || second === "logs" || second === "add" || second === "keys" || second === "usage"
        ? { name: "machine", page: second }
        : { name: "machine" };
    case "projects": {
      if (id === null) return { name: "machine" };
      const at = path
        .split("/")
        .filter((part) => part !== "")
        .slice(3)
        .map(unpiece);
      return {
        name: "project",
        projectId: id,
        tab: third === "git" || third === "runs" ? third : "files",
        at: at.every((part) => part !== null) ? (at as string[]) : [],
      };
    }
    case "you":
      return { name: "you", page: YOU_PAGES.find((page) => page === second) ?? null };
    default:
      return { name: "inbox", approvalId: null };
  }
}

export function pathOf(route: Route): string {
  switch (route.name) {
    case "inbox":
      return route.approvalId ? `/approvals/${route.approvalId}` : "/";
    case "review":
      return ["/review", route.approvalId, route.machineId].filter(Boolean).join("/");
    case "sessions":
      return route.agentSessionId ? `/sessions/${route.agentSessionId}${route.terminal ? `/terminal/${route.terminal}` : ""}` : "/sessions";
    case "new":
      return route.projectId ? `/new/${route.projectId}` : "/new";
    case "machine":
      return route.page ? `/machine/${route.page}` : "/machine";
    case "project":
      return `/projects/${route.projectId}/${route.tab}${route.at.map((part) => `/${piece(part)}`).join("")}`;
    case "you":
      return route.page ? `/you/${route.page}` : "/you";
  }
}

/** A screen of a machine. `machineId` null: the address names none; it is the one that this device was at last. Empty: it names what can't be one. */
export interface Place {
  readonly machineId: string | null;
  readonly route: Route;
}

/** `/m/MACHINE/…` is that machine's `/…`. */
export function parsePlace(path: string): Place {
  const [first, machineId = "", ...rest] = path.split("/").filter((part) => part !== "");
  if (first !== "m") return { machineId: null, route: parseRoute(path) };
  return { machineId: idOf(machineId) ?? "", route: parseRoute(rest.join("/")) };
}

export function placePath({ machineId, route }: Place): string {
  return machineId === null ? pathOf(route) : `/m/${machineId}${pathOf(route)}`;
}

class Router {
  route = $state.raw<Route>({ name: "inbox", approvalId: null });
  machineId = $state<string | null>(null);
  #depth = 0;

  constructor() {
    this.#read();
    addEventListener("popstate", () => {
      this.#depth = Math.max(0, this.#depth - 1);
      this.#read();
    });
  }

  /** To a screen of the machine that is shown. */
  go(route: Route, replace = false): void {
    this.enter({ machineId: this.machineId, route }, replace);
  }

  /** To a screen of any machine. */
  enter(place: Place, replace = false): void {
    const path = placePath(place) + location.search;
    if (replace) history.replaceState(null, "", path);
    else {
      history.pushState(null, "", path);
      this.#depth++;
    }
    this.machineId = place.machineId;
    this.route = place.route;
  }

  /** The address of a screen of the machine that is shown, for links. */
  href(route: Route): string {
    return placePath({ machineId: this.machineId, route });
  }

  /** To where the person came from; to `fallback` when the app was opened right here. */
  back(fallback: Route): void {
    if (this.#depth > 0) history.back();
    else this.go(fallback, true);
  }

  #read(): void {
    const { machineId, route } = parsePlace(location.pathname);
    this.machineId = machineId;
    this.route = route;
  }
}

export const router = new Router();
