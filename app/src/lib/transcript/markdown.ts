import { t } from "../strings/all";
import type { Item, Row } from "./items";

/**
 * A conversation as Markdown, for keeping or handing on: what was said, what was done and what was decided. What people and agents wrote stands as it is; what
 * commands wrote is fenced with more backticks than it has in a row, so that it can't end its fence.
 */
export function toMarkdown(title: string, rows: readonly Row[]): string {
  return [`# ${oneLine(title)}`, ...rows.map(part).filter((text) => text !== "")].join("\n\n") + "\n";
}

function part(row: Row): string {
  switch (row.kind) {
    case "prompt":
      return `## ${t.session.you}\n\n${row.turn.content.trim()}`;
    case "steer":
      return `## ${t.session.you} (${t.session.steered})\n\n${row.content.trim()}`;
    case "text":
    case "imported":
      return row.text.trim();
    case "reads":
      return row.items.map(part).join("\n\n");
    case "tool":
      return [
        `**${oneLine(row.tool)}** ${code(row.title)}`,
        row.result && row.result.output !== "" ? fenced(row.result.output) : "",
        ...row.children.map((child: Item) => part(child as Row)),
      ]
        .filter((text) => text !== "")
        .join("\n\n");
    case "approval":
      return row.approval.decision
        ? `> ${row.approval.decision.verdict === "allow" ? t.approval.allowed : t.approval.denied} ${t.approval.outcome.by(oneLine(row.approval.decision.by))}`
        : "";
    case "notice":
      return `> ${oneLine(row.text)}`;
    case "error":
      return `> **${t.session.error}** ${oneLine(row.message)}`;
    case "file":
      return `**${t.session.sentFile}** ${code(row.file.name)}`;
    case "end":
      return row.outcome === "completed" ? "" : `> ${t.session.ended[row.outcome]}`;
    case "thinking":
    case "fork":
    case "undo":
    case "init":
      return "";
  }
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

/** A fence longer than any run of backticks inside. */
function fenced(text: string): string {
  const longest = Math.max(0, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(Math.max(3, longest + 1));
  return `${fence}\n${text.replace(/\n+$/, "")}\n${fence}`;
}

function code(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  const space = line.startsWith("`") || line.endsWith("`") ? " " : "";
  return line === "" ? "" : `${fence}${space}${line}${space}${fence}`;
}
