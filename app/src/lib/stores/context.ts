import { getContext, setContext } from "svelte";
import type { App } from "./app.svelte";
import type { Workspace } from "./workspace.svelte";

const WORKSPACE = Symbol("workspace");
const APP = Symbol("app");

export function provideApp(app: App): void {
  setContext(APP, app);
}

export function useApp(): App {
  return getContext<App>(APP);
}

export function provideWorkspace(workspace: Workspace): void {
  setContext(WORKSPACE, workspace);
}

/** The workspace of the paired machine; components that use it live below the ready screen only. */
export function useWorkspace(): Workspace {
  return getContext<Workspace>(WORKSPACE);
}
