import { Later } from "$lib/later.svelte";
import type { Route } from "$lib/router/router.svelte";

/** What nobody sees before the first tap. */
export const later = {
  card: new Later(() => import("../components/ApprovalCard.svelte")),
  review: new Later(() => import("./Review.svelte")),
  swipe: new Later(() => import("../components/SwipeRows.svelte")),
  sessions: new Later(() => import("./Sessions.svelte")),
  session: new Later(() => import("./Session.svelte")),
  sessionSide: new Later(() => import("./SessionSide.svelte")),
  newSession: new Later(() => import("./NewSession.svelte")),
  machine: new Later(() => import("./Machine.svelte")),
  you: new Later(() => import("./You.svelte")),
  machines: new Later(() => import("../components/MachineList.svelte")),
  selection: new Later(() => import("../components/SelectionBar.svelte")),
};

/** What many never open, and is large: fetched when it is wanted. */
export const rare = {
  terminal: new Later(() => import("./Terminal.svelte")),
  project: new Later(() => import("./Project.svelte")),
  scanner: new Later(() => import("../components/QrScanner.svelte")),
  pairing: new Later(() => import("./Pairing.svelte")),
  unknown: new Later(() => import("./UnknownMachine.svelte")),
  usage: new Later(() => import("./machine/Usage.svelte")),
  gate: new Later(() => import("./account/Gate.svelte")),
  account: new Later(() => import("./account/Account.svelte")),
  people: new Later(() => import("./account/People.svelte")),
  accountMachines: new Later(() => import("./account/Machines.svelte")),
  trouble: new Later(() => import("../components/LinkTrouble.svelte")),
  palette: new Later(() => import("../components/Palette.svelte")),
  shortcuts: new Later(() => import("./Shortcuts.svelte")),
  firstSteps: new Later(() => import("../components/FirstSteps.svelte")),
  rail: new Later(() => import("../components/RailSessions.svelte")),
};

/** Loads all of it in the browser's idle time, so that the first tap finds it here. */
export function loadWhenIdle(): void {
  const idle = globalThis.requestIdleCallback ?? ((work: () => void) => setTimeout(work, 500)); // Safari has none
  idle(() => Object.values(later).forEach((part) => void part.want()));
}

/** Begins to fetch the screen that an address names, while the app still reads its keys and connects. */
export function fetchAhead(route: Route): void {
  switch (route.name) {
    case "sessions":
    case "new":
      void later.sessions.want();
      break;
    case "project":
      void rare.project.want();
      break;
    case "machine":
    case "you":
    case "review":
      void later[route.name].want();
      break;
  }
}
