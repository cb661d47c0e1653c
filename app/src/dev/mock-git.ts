import { lineDiff } from "$lib/projects/linediff";
import type {
  ApprovalInfo,
  DiffHunk,
  GitCommit,
  GitDiffLine,
  GitFileChange,
  GitFileDiff,
  GitHunk,
  GitSelection,
  GitStash,
  GitWorktree,
  Requests,
} from "$lib/protocol/generated";
import type { Ask, Refuse, Some } from "./mock-project-files";
import type { MockTree } from "./mock-tree";

type Types = Extract<keyof Requests, `git_${string}`>;
const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString();
const sha = (n: number): string => (0xa94f3c71d2n + BigInt(n) * 0x9e3779b97f4an).toString(16).padEnd(40, "7");

/** A repository over the mock's tree: one branch, one remote, one conflict when it is asked for. */
export function gitAnswers(
  tree: MockTree,
  refuse: Refuse,
  ask: Ask,
  approval: (id: string) => ApprovalInfo,
  state: { conflict: boolean; pushing: boolean },
  progress: (text: string) => void,
  stopped: (approvalId: string) => ApprovalInfo,
): Some<Types> {
  let branch = "fix/login";
  let ahead = 2;
  let upstream: string | null = "origin/fix/login";
  const branches = new Set(["fix/login", "main", "experiment"]);
  const stashes: GitStash[] = [{ index: 0, commit: sha(90), message: "WIP: another way to hash", at: ago(2000) }];
  const tags = new Map([["v1.2.0", sha(4)]]);
  const discards = new Map<string, Map<string, string | undefined>>();
  const worktrees: GitWorktree[] = [
    { path: "/home/ada/src/api", branch, commit: sha(0), main: true, current: true, locked: false, missing: false, reachable: true },
    {
      path: "/home/ada/src/api/.worktrees/spike",
      branch: "spike",
      commit: sha(3),
      main: false,
      current: false,
      locked: false,
      missing: false,
      reachable: true,
    },
  ];
  const commits: GitCommit[] = [
    commit(0, [1], "Slow down guessing: a delay after each failed attempt", 12, ["HEAD", "fix/login"], 0, [[0, 0]]),
    commit(1, [2, 3], "Merge branch 'hash'", 40, [], 0, [
      [0, 0],
      [0, 1],
    ]),
    commit(3, [4], "Compare hashes in constant time", 55, ["hash"], 1, [
      [0, 0],
      [1, 1],
    ]),
    commit(2, [4], "Sessions end after a day", 300, ["origin/main", "main"], 0, [
      [0, 0],
      [1, 0],
    ]),
    commit(4, [5], "A first sign-in", 2000, ["v1.2.0"], 0, [[0, 0]]),
    commit(5, [], "Begin", 9000, [], 0, []),
  ];
  const branchSide = (ref: string | null | undefined, path: string): string | undefined =>
    ref === null || ref === undefined
      ? tree.work.get(path)?.content
      : ref === "main" || ref === "origin/main"
        ? tree.head.get(path)
        : tree.index.get(path);
  const sideOf = (scope: string, path: string): [string | undefined, string | undefined] =>
    scope === "staged" ? [tree.head.get(path), tree.index.get(path)] : [tree.index.get(path), tree.work.get(path)?.content];
  const fileDiff = (path: string, before: string | undefined, after: string | undefined): GitFileDiff => {
    const diff = lineDiff(path, before ?? "", after ?? "");
    return {
      path,
      oldPath: null,
      kind: before === undefined ? "added" : after === undefined ? "deleted" : "modified",
      oldMode: before === undefined ? null : "100644",
      newMode: after === undefined ? null : "100644",
      binary: false,
      submodule: false,
      added: diff.added,
      removed: diff.removed,
      hunks: diff.hunks.map((hunk) => numbered(path, hunk)),
      truncated: false,
    };
  };
  /** Takes the chosen part of what leads from `before` to `after` into `before` (or, backwards, out of `after`). */
  const apply = (path: string, before: string, after: string, selections: readonly GitSelection[], back: boolean): string => {
    const chosen = new Map(selections.filter((one) => one.path === path).map((one) => [one.hunkId, one.lines ?? null]));
    const result: string[] = [];
    const old = before.split("\n");
    let at = 0;
    for (const hunk of fileDiff(path, before, after).hunks) {
      const lines = chosen.get(hunk.id);
      const taken = (index: number): boolean => chosen.has(hunk.id) && (lines === null || lines === undefined || lines.includes(index));
      while (at < hunk.oldStart - 1) result.push(old[at++] ?? "");
      hunk.lines.forEach((line, index) => {
        const keep = line.kind === "context" || (line.kind === "added" ? taken(index) !== back : taken(index) === back);
        if (keep) result.push(line.text);
        if (line.kind !== "added") at++;
      });
    }
    while (at < old.length) result.push(old[at++] ?? "");
    return result.join("\n");
  };
  const paths = (request: { paths?: string[] | null; all?: boolean }): string[] => (request.all ? tree.paths() : (request.paths ?? []));
  const set = (map: Map<string, string>, path: string, content: string | undefined): void =>
    void (content === undefined ? map.delete(path) : map.set(path, content));
  const changes = (of: "staged" | "unstaged"): GitFileChange[] =>
    tree.paths().flatMap((path): GitFileChange[] => {
      const letters = tree.letters(path);
      const letter = of === "staged" ? letters?.[0] : letters?.[1];
      if (!letters || letters === "??" || letter === "." || (state.conflict && path === "src/server.ts")) return [];
      return [{ path, kind: letter === "A" ? "added" : letter === "D" ? "deleted" : "modified" }];
    });
  const transfer = (operation: "push" | "fetch" | "pull" | "delete", done: () => void): { approval: ApprovalInfo } => ({
    approval: approval(
      ask(
        {
          kind: "git",
          operation,
          remote: "origin",
          url: "git@git.example.com:ada/api.git",
          moreCommits: 0,
          refs: [{ name: `refs/heads/${branch}`, before: sha(3), after: sha(0), forces: false, deletes: false }],
          commits:
            operation === "push"
              ? commits
                  .slice(0, ahead)
                  .map((one) => ({ id: one.sha, subject: one.subject, author: one.author, at: one.committedAt ?? ago(0) }))
              : [],
        },
        done,
      ),
    ),
  });
  return {
    git_status: () => {
      if (state.pushing) progress("Writing objects:  62% (45/72), 1.20 MiB | 640.00 KiB/s");
      return {
        branch,
        head: commits[0]?.sha ?? null,
        detached: false,
        upstream,
        ahead: upstream === null ? null : ahead,
        behind: upstream === null ? null : 0,
        staged: changes("staged"),
        unstaged: changes("unstaged"),
        untracked: tree
          .paths()
          .filter((path) => tree.letters(path) === "??")
          .map((path) => ({ path, kind: "untracked" })),
        conflicted: state.conflict ? [{ path: "src/server.ts", kind: "both_modified" }] : [],
        operation: state.conflict ? "merge" : null,
        stashes: stashes.length,
        hooks: ["pre-commit"],
        prefix: "",
        sandboxed: true,
        truncated: false,
      };
    },
    git_branches: () => ({
      current: branch,
      truncated: false,
      branches: [
        ...[...branches].map((name) => ({ name, remote: false })),
        { name: "origin/main", remote: true },
        { name: "origin/release", remote: true },
      ].map(({ name, remote }, at) => ({
        name,
        remote,
        current: !remote && name === branch,
        upstream: null,
        upstreamGone: name === "experiment",
        ahead: name === branch ? ahead : null,
        behind: null,
        commit: sha(at),
        subject: commits[at]?.subject ?? "",
        author: "Ada Byron",
        at: ago(12 + at * 300),
        worktree: null,
      })),
    }),
    git_branch_create: ({ name, checkout }) => {
      if (branches.has(name)) refuse("GIT_ERROR");
      branches.add(name);
      if (checkout) [branch, upstream, ahead] = [name, null, 0];
      return { branch: name, commit: sha(0), checkedOut: checkout ?? false };
    },
    git_checkout: ({ ref }) => {
      branches.add(ref);
      [branch, upstream, ahead] = [ref, `origin/${ref}`, 0];
      return { branch: ref, commit: sha(2), detached: false };
    },
    git_stage: (request) => {
      for (const path of paths(request)) set(tree.index, path, tree.work.get(path)?.content);
      const selections = request.selections ?? [];
      for (const path of new Set(selections.map((one) => one.path)))
        set(tree.index, path, apply(path, tree.index.get(path) ?? "", tree.work.get(path)?.content ?? "", selections, false));
      return { success: true };
    },
    git_unstage: (request) => {
      for (const path of paths(request)) set(tree.index, path, tree.head.get(path));
      const selections = request.selections ?? [];
      for (const path of new Set(selections.map((one) => one.path)))
        set(tree.index, path, apply(path, tree.head.get(path) ?? "", tree.index.get(path) ?? "", selections, true));
      return { success: true };
    },
    git_commit: ({ message, amend }) => {
      for (const path of tree.paths()) set(tree.head, path, tree.index.get(path));
      const subject = message.split("\n")[0] ?? "";
      if (amend) commits.shift();
      commits.unshift(commit(commits.length + 20, [0], subject, 0, ["HEAD", branch], 0, [[0, 0]]));
      if (!amend) ahead++;
      return { sha: commits[0]?.sha ?? "", branch, subject, hooksSkipped: ["pre-commit"] };
    },
    git_discard: (request) => {
      const kept = new Map<string, string | undefined>();
      const selections = request.selections ?? [];
      for (const path of new Set([...(request.paths ?? []), ...selections.map((one) => one.path)])) {
        const now = tree.work.get(path)?.content;
        kept.set(path, now);
        const back = selections.length > 0 ? apply(path, tree.index.get(path) ?? "", now ?? "", selections, true) : tree.index.get(path);
        if (back === undefined) tree.work.delete(path);
        else tree.write(path, back);
      }
      const discardId = `discard-${discards.size}`;
      discards.set(discardId, kept);
      return { discardId, files: kept.size };
    },
    git_discard_undo: ({ discardId }) => {
      const kept = discards.get(discardId) ?? new Map<string, string | undefined>();
      for (const [path, content] of kept)
        if (content === undefined) tree.work.delete(path);
        else tree.write(path, content);
      return { files: kept.size };
    },
    git_file_base: ({ path }) => ({
      content: tree.head.get(path) ?? "",
      exists: tree.head.has(path),
      encoding: "utf8",
      size: tree.head.get(path)?.length ?? 0,
      binary: false,
    }),
    git_diff: ({ scope, from, to, paths: only }) => {
      const wanted = only && only.length > 0 ? only : tree.paths();
      const files = wanted.flatMap((path) => {
        const [before, after] =
          scope === "range" || scope === "branch" ? [branchSide(from, path), branchSide(to, path)] : sideOf(scope, path);
        return before === after ? [] : [fileDiff(path, before, after)];
      });
      return { files, truncated: false };
    },
    git_log: ({ skip = 0, limit = 50 }) => ({ commits: commits.slice(skip, skip + limit), more: commits.length > skip + limit }),
    git_show: ({ ref }) => {
      const found = commits.find((one) => one.sha === ref) ?? commits[0]!;
      return {
        commit: found,
        message: `${found.subject}\n\nA guesser has to wait five minutes after each wrong password.\n`,
        files: [
          fileDiff("src/auth/hash.ts", tree.head.get("src/auth/hash.ts") ?? "", `${tree.head.get("src/auth/hash.ts") ?? ""}// after\n`),
        ],
        truncated: false,
      };
    },
    git_blame: ({ path, firstLine = 1, lines = 2000 }) => {
      const text = (tree.work.get(path)?.content ?? "").split("\n");
      const kept = new Set((tree.head.get(path) ?? "").split("\n"));
      const of = commits.slice(0, 4).map((one, at) => ({
        sha: one.sha,
        author: ["Ada Byron", "Grace Hopper", "Ada Byron", "Edsger Dijkstra"][at] ?? "",
        at: one.committedAt,
        subject: one.subject,
        path,
      }));
      const all = text.map((line, at) => ({
        line: at + 1,
        originalLine: at + 1,
        commit: kept.has(line) ? Math.min(3, Math.floor(at / 5) % 4) : 4,
        text: line,
      }));
      return {
        commits: [...of, { sha: "0".repeat(40), author: "Not Committed Yet", at: null, subject: "", path }],
        lines: all.slice(firstLine - 1, firstLine - 1 + lines),
      };
    },
    git_stashes: () => ({ stashes }),
    git_stash: ({ action, commit: which, message }) => {
      if (action === "push")
        stashes.unshift({ index: 0, commit: sha(91 + stashes.length), message: message ?? `WIP on ${branch}`, at: ago(0) });
      else if (action !== "apply")
        stashes.splice(
          stashes.findIndex((one) => one.commit === which),
          1,
        );
      return { stashes };
    },
    git_tags: () => ({
      tags: [...tags].map(([name, at]) => ({ name, commit: at, annotated: true, subject: "The second release", at: ago(2000) })),
      truncated: false,
    }),
    git_tag_create: ({ name }) => {
      tags.set(name, sha(0));
      return { name, commit: sha(0) };
    },
    git_tag_delete: ({ name }) => {
      tags.delete(name);
      return { name, commit: sha(0) };
    },
    git_remotes: () => ({
      remotes: [{ name: "origin", fetchUrl: "git@git.example.com:ada/api.git", pushUrl: "git@git.example.com:ada/api.git", problem: null }],
    }),
    git_worktrees: () => ({ worktrees }),
    git_worktree_create: ({ name, branch: on }) => {
      const worktree: GitWorktree = {
        path: `/home/ada/src/api/.worktrees/${name}`,
        branch: on ?? name,
        commit: sha(0),
        main: false,
        current: false,
        locked: false,
        missing: false,
        reachable: true,
      };
      worktrees.push(worktree);
      return { worktree };
    },
    git_worktree_remove: ({ name }) => {
      worktrees.splice(
        worktrees.findIndex((one) => one.path.endsWith(`/${name}`)),
        1,
      );
      return { removed: true };
    },
    git_worktree_merge: () => ({ commit: sha(7), alreadyMerged: false }),
    git_submodules: () => ({ submodules: [] }),
    git_conflict: () => {
      const side = (content: string): { exists: boolean; content: string; encoding: string; size: number } => ({
        exists: true,
        content,
        encoding: "utf8",
        size: content.length,
      });
      const around = (middle: string): string => `import { login } from "./auth/login";\n\n${middle}\n`;
      return {
        kind: "both_modified",
        base: side(around('serve({ "/login": login });')),
        ours: side(around('serve({ "/login": login, "/logout": logout });')),
        theirs: side(around('serve({ "/sign-in": login });')),
        file: side(
          around('<<<<<<< fix/login\nserve({ "/login": login, "/logout": logout });\n=======\nserve({ "/sign-in": login });\n>>>>>>> main'),
        ),
        oursName: "fix/login",
        theirsName: "main",
      };
    },
    git_conflict_resolve: () => {
      state.conflict = false;
      return { left: 0 };
    },
    git_operation: () => {
      state.conflict = false;
      return { commit: sha(8), operation: null };
    },
    git_push: () =>
      transfer("push", () => {
        [ahead, upstream] = [0, `origin/${branch}`];
      }),
    git_remote_delete: () => transfer("delete", () => undefined),
    git_fetch: () => transfer("fetch", () => undefined),
    git_pull: () => transfer("pull", () => undefined),
    git_transfer_cancel: ({ approvalId }) => ({ approval: stopped(approvalId) }),
  };
}

function numbered(path: string, hunk: DiffHunk): GitHunk {
  let [old, now] = [hunk.oldStart, hunk.newStart];
  const lines = hunk.lines.map(({ kind, text }): GitDiffLine =>
    kind === "add"
      ? { kind: "added", old: null, new: now++, text }
      : kind === "remove"
        ? { kind: "removed", old: old++, new: null, text }
        : { kind: "context", old: old++, new: now++, text },
  );
  return {
    id: `${path}@${hunk.oldStart}:${hunk.lines.map((line) => line.kind[0]).join("")}`,
    oldStart: hunk.oldStart,
    oldLines: hunk.oldLines,
    newStart: hunk.newStart,
    newLines: hunk.newLines,
    heading: "",
    lines,
  };
}

function commit(
  n: number,
  parents: number[],
  subject: string,
  minutes: number,
  refs: string[],
  lane: number,
  edges: [number, number][],
): GitCommit {
  return {
    sha: sha(n),
    parents: parents.map(sha),
    author: "Ada Byron",
    authorEmail: "ada@example.com",
    authoredAt: ago(minutes),
    committer: "Ada Byron",
    committedAt: ago(minutes),
    subject,
    refs,
    lane,
    edges: edges.map(([from, to]) => ({ from, to })),
  };
}
