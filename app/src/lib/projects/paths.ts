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

/** A path as git's messages have it (plain text), the way the messages about files write it. */
export function fromGit(path: string): string {
  return path.replace(/\\/g, "\\\\");
}

/** A path as the messages about files have it, the way git's messages do; null: git's messages have no text for it. */
export function toGit(path: string): string | null {
  const plain = path.replace(/\\(\\|u\{([0-9a-f]{1,6})\})?/g, (all, what: string | undefined, code: string | undefined) => (what === "\\" ? "\\" : code !== undefined && Number.parseInt(code, 16) <= 0x10ffff ? String.fromCodePoint(Number.parseInt(code, 16)) : `\0${all}`));
  return plain.includes("\0") ? null : plain; // bytes that are no text: git's messages name those otherwise
}

/** What a person typed as a name, the way the machine writes it. */
export function typed(name: string): string {
  return name.trim().replace(/\\/g, "\\\\").replace(/^\/+|\/+$/g, "");
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

export const IMAGES: Readonly<Record<string, string>> = { png: "image/png", jpg: "image/jpeg", jpeg: "image/jpeg", gif: "image/gif", webp: "image/webp", avif: "image/avif", bmp: "image/bmp", ico: "image/x-icon" };
