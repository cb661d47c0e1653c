import type { GitFileDiff, GitSelection } from "../protocol/generated";

/** Which lines of a change are chosen, to be staged alone. */
export class Choice {
  active = $state(false);
  #lines = $state.raw<ReadonlyMap<string, ReadonlySet<number>>>(new Map());

  has(hunkId: string, index: number): boolean {
    return this.#lines.get(hunkId)?.has(index) ?? false;
  }

  get count(): number {
    let count = 0;
    for (const lines of this.#lines.values()) count += lines.size;
    return count;
  }

  toggle(hunkId: string, index: number): void {
    const lines = new Set(this.#lines.get(hunkId));
    if (!lines.delete(index)) lines.add(index);
    this.#lines = new Map(this.#lines).set(hunkId, lines);
  }

  /** Just these, by hunk. */
  set(lines: ReadonlyMap<string, ReadonlySet<number>>): void {
    this.#lines = lines;
  }

  clear(): void {
    this.#lines = new Map();
    this.active = false;
  }

  /** For the machine: nothing of hunks of which nothing is chosen. */
  selections(file: GitFileDiff): GitSelection[] {
    return file.hunks.flatMap((hunk) => {
      const lines = [...(this.#lines.get(hunk.id) ?? [])].sort((a, b) => a - b);
      return lines.length > 0 ? [{ path: file.path, hunkId: hunk.id, lines }] : [];
    });
  }
}
