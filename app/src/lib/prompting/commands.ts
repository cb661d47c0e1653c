import type { CommandInfo } from "../protocol/generated";

/** How many a palette shows. */
export const MOST_SHOWN = 8;

/** What is typed of a slash command, when nothing but its name is typed so far; null when the text is something else. */
export function typedCommand(text: string): string | null {
  return /^\/(\S*)$/.exec(text)?.[1] ?? null;
}

/** Commands that fit what is typed: those that begin with it, then those that have it in the middle or in their description. */
export function matching(commands: readonly CommandInfo[], typed: string): readonly CommandInfo[] {
  const wanted = typed.toLowerCase();
  const rank = (command: CommandInfo): number => {
    const at = command.name.toLowerCase().indexOf(wanted);
    if (at >= 0) return Math.min(at, 1);
    return wanted.length > 1 && command.description.toLowerCase().includes(wanted) ? 2 : 3;
  };
  return commands
    .map((command, at) => ({ command, at, rank: rank(command) }))
    .filter((one) => one.rank < 3)
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .slice(0, MOST_SHOWN)
    .map((one) => one.command);
}

/** The ids of a queue after one of them moved a place, and before which one it stands then; null when it can't move there. */
export function moved(ids: readonly string[], id: string, by: -1 | 1): { before: string | null } | null {
  const at = ids.indexOf(id);
  const to = at + by;
  if (at < 0 || to < 0 || to >= ids.length) return null;
  return { before: ids[by < 0 ? to : to + 1] ?? null };
}
