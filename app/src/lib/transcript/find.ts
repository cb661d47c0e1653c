import type { Item, Row } from "./items";

/** Keys of the rows whose text holds the query (case does not matter), in order. */
export function findIn(rows: readonly Row[], query: string): string[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") return [];
  return rows.filter((row) => textOf(row).toLowerCase().includes(wanted)).map((row) => row.key);
}

function textOf(row: Row): string {
  switch (row.kind) {
    case "prompt":
      return [row.turn.content, ...(row.turn.attachments ?? []).map((file) => file.name)].join("\n");
    case "steer":
      return row.content;
    case "text":
    case "thinking":
    case "notice":
    case "imported":
      return row.text;
    case "fork":
      return row.title;
    case "undo":
      return row.undo.paths.join("\n");
    case "error":
      return row.message;
    case "reads":
      return row.items.map(textOf).join("\n");
    case "tool":
      return [row.tool, row.title, row.input, row.result?.output ?? "", ...row.children.map((child: Item) => textOf(child))].join("\n");
    case "approval":
      return [row.approval.reason ?? "", JSON.stringify(row.approval.subject)].join("\n");
    case "file":
      return [row.file.name, row.file.caption ?? ""].join("\n");
    case "init":
      return row.init.model ?? "";
    case "end":
      return row.error ?? "";
  }
}
