import { Later } from "$lib/later.svelte";

/** The tabs of a project's screen, and what within them is large. */
export const parts = {
  files: new Later(() => import("./Files.svelte")),
  git: new Later(() => import("./Git.svelte")),
  runs: new Later(() => import("./Runs.svelte")),
};

export const editor = new Later(() => import("../../components/project/CodeEditor.svelte"));

export const pdf = new Later(() => import("../../components/project/PdfView.svelte"));
