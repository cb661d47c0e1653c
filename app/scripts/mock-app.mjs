// The app with the mock machine in it, built as the product is.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "vite";

/**
 * Builds it into a temporary folder, which `remove` deletes. With `MOCK_APP` in the environment it is built into that folder when nothing is there yet,
 * and stays: several scripts in a row build it once. Whoever names the folder deletes it.
 */
export async function mockApp() {
  const kept = process.env.MOCK_APP;
  const folder = kept ?? mkdtempSync(join(tmpdir(), "pocketcoder-mock-app-"));
  if (!existsSync(join(folder, "index.html")))
    await build({ mode: "stories", logLevel: "error", build: { outDir: folder, emptyOutDir: true } });
  return { folder: pathToFileURL(`${folder}/`), remove: () => kept ?? rmSync(folder, { recursive: true }) };
}
