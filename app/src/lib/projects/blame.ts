import type { GitBlameCommit, GitBlameResponse } from "../protocol/generated";

/** Lines that came with the same commit and stand together. */
export interface BlameBlock {
  readonly commit: GitBlameCommit;
  /** False: what is in the file and in no commit yet. */
  readonly committed: boolean;
  /** 0 (the oldest commit in view) to 4 (the newest). */
  readonly age: number;
  readonly lines: readonly { readonly number: number; readonly text: string }[];
}

/** Ages that can be told apart. */
export const AGES = 5;

/** Answers of `git_blame` for pages of one file, in order, as blocks; a block that goes on over a page's end stays one. */
export function blameBlocks(pages: readonly GitBlameResponse[]): BlameBlock[] {
  const times = [
    ...new Set(pages.flatMap((page) => page.commits.flatMap((commit) => (commit.at === null ? [] : [Date.parse(commit.at)])))),
  ].sort((a, b) => a - b);
  const age = (commit: GitBlameCommit): number => {
    const rank = commit.at === null ? -1 : times.indexOf(Date.parse(commit.at));
    return !isCommitted(commit) ? AGES - 1 : rank < 0 || times.length < 2 ? 0 : Math.round((rank / (times.length - 1)) * (AGES - 1));
  };
  const blocks: { commit: GitBlameCommit; committed: boolean; age: number; lines: { number: number; text: string }[] }[] = [];
  for (const page of pages) {
    for (const line of page.lines) {
      const commit = page.commits[line.commit];
      if (!commit) continue;
      const last = blocks[blocks.length - 1];
      const one = { number: line.line, text: line.text };
      if (last && last.commit.sha === commit.sha && last.lines[last.lines.length - 1]?.number === line.line - 1) last.lines.push(one);
      else blocks.push({ commit, committed: isCommitted(commit), age: age(commit), lines: [one] });
    }
  }
  return blocks;
}

function isCommitted(commit: GitBlameCommit): boolean {
  return !/^0+$/.test(commit.sha);
}
