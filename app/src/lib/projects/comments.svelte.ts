import type { GitDiffLine } from "../protocol/generated";

/** What a person says about a line of a change. */
export interface Comment {
  readonly id: string;
  readonly path: string;
  readonly line: number;
  readonly side: "old" | "new";
  readonly quoted: string;
  readonly text: string;
}

/** The comments of a project until they are sent or thrown away. */
export class Comments {
  list = $state.raw<readonly Comment[]>([]);
  #next = 0;

  add(path: string, line: Pick<GitDiffLine, "old" | "new" | "text">, text: string): void {
    if (text.trim() === "") return;
    this.list = [
      ...this.list,
      {
        id: `c${this.#next++}`,
        path,
        line: line.new ?? line.old ?? 0,
        side: line.new === null ? "old" : "new",
        quoted: line.text,
        text: text.trim(),
      },
    ];
  }

  remove(id: string): void {
    this.list = this.list.filter((comment) => comment.id !== id);
  }

  clear(): void {
    this.list = [];
  }

  /** One prompt of all of them, by file and line. */
  get prompt(): string {
    const byFile = new Map<string, Comment[]>();
    for (const comment of this.list) byFile.set(comment.path, [...(byFile.get(comment.path) ?? []), comment]);
    const parts = [...byFile].map(([path, comments]) => {
      const said = [...comments]
        .sort((a, b) => a.line - b.line)
        .map((comment) => {
          const where = `${path}:${comment.line}${comment.side === "old" ? " (before the change)" : ""}`;
          return `${where}\n> ${comment.quoted.trim() === "" ? "(empty line)" : comment.quoted.trim()}\n${comment.text}`;
        });
      return said.join("\n\n");
    });
    return `I looked at the change. Please work through these comments:\n\n${parts.join("\n\n")}\n`;
  }
}
