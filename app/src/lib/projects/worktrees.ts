import type { ProjectInfo } from "../protocol/generated";

const LONGEST = 40;
const MOST_CHARACTERS = 200;

/** Whether it can be the name of a worktree's branch: git's rules, and nothing that can't be seen. The machine has the last word. */
export function isBranchName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= MOST_CHARACTERS &&
    name !== "@" &&
    name !== "HEAD" &&
    !/^[-/]|[/.]$|\.\.|\/\/|@\{/.test(name) &&
    !/[ ~^:?*[\\\p{C}\p{Z}\u{10000}-\u{10ffff}]/u.test(name) &&
    name.split("/").every((part) => !part.startsWith(".") && !part.endsWith(".lock"))
  );
}

/** A name for a branch from what a person wants done; one that is not taken. */
export function suggestBranch(prompt: string, taken: readonly string[]): string {
  const words = prompt.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  let name = "";
  for (const word of words) {
    const longer = name === "" ? word.slice(0, LONGEST) : `${name}-${word}`;
    if (longer.length > LONGEST) break;
    name = longer;
  }
  if (!isBranchName(name)) name = "work";
  const used = new Set(taken);
  for (let n = 1; ; n++) {
    const tried = n === 1 ? name : `${name}-${n}`;
    if (!used.has(tried)) return tried;
  }
}

/** Projects in their order, each with its worktrees beneath it; those that were thrown away are left out. */
export function withWorktrees(projects: readonly ProjectInfo[]): ProjectInfo[] {
  const here = projects.filter((project) => project.worktree?.gone !== true);
  const ids = new Set(here.map((project) => project.projectId));
  const of = (parent: string): ProjectInfo[] => here.filter((project) => project.worktree?.parentId === parent);
  return here.flatMap((project) => {
    if (!project.worktree) return [project, ...of(project.projectId)];
    return ids.has(project.worktree.parentId) ? [] : [project];
  });
}
