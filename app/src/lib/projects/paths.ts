// Paths as the machine writes them: relative to the project, with slashes, escaped (a backslash is `\\`), so they can be cut at slashes.

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

export function folderOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "" : path.slice(0, at);
}

export function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** From the project down to the path, without the project itself. */
export function trail(path: string): { readonly name: string; readonly path: string }[] {
  if (path === "") return [];
  const names = path.split("/");
  return names.map((name, at) => ({ name, path: names.slice(0, at + 1).join("/") }));
}

/** Whether git takes the path as an argument, which blame and history of one file need: it has no bytes that are no text (`\x{ff}`; a backslash is `\\`). */
export function isText(path: string): boolean {
  return !path.replaceAll("\\\\", "").includes("\\x{");
}

/** What a person typed as a name, the way the machine writes it. */
export function typed(name: string): string {
  return name
    .trim()
    .replace(/\\/g, "\\\\")
    .replace(/^\/+|\/+$/g, "");
}

export function extension(path: string): string {
  const name = nameOf(path).toLowerCase();
  const at = name.lastIndexOf(".");
  return at <= 0 ? (name === "dockerfile" || name === "makefile" ? name : "") : name.slice(at + 1);
}

export type Look = "text" | "markdown" | "csv" | "html" | "image" | "svg" | "pdf";

/** How a file can be looked at, by its name. What it really is shows when it is read. */
export function lookOf(path: string): Look {
  const ending = extension(path);
  if (ending === "md" || ending === "markdown") return "markdown";
  if (ending === "csv" || ending === "tsv") return "csv";
  if (ending === "html" || ending === "htm") return "html";
  if (ending === "svg") return "svg";
  if (ending === "pdf") return "pdf";
  return IMAGES[ending] ? "image" : "text";
}

export const IMAGES: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  gif: "image/gif",
  webp: "image/webp",
  avif: "image/avif",
  bmp: "image/bmp",
  ico: "image/x-icon",
};
