import type { ProjectInfo, Requests, SessionInfo, SessionWorktreeStateResponse } from "$lib/protocol/generated";
import type { Refuse, Some } from "./mock-project-files";

type Types = Extract<keyof Requests, `session_worktree_${string}`>;
const COMMIT = "4b1d3c".padEnd(40, "0");

/** What a worktree holds, by its project: nothing for a new one. */
export type MockTrees = Map<string, Partial<SessionWorktreeStateResponse>>;

/** Worktrees of sessions: made, merged and thrown away as the machine does it, without a repository. */
export function worktreeAnswers(
  state: { projects: ProjectInfo[]; sessions: SessionInfo[]; trees: MockTrees },
  refuse: Refuse,
  changed: (project: ProjectInfo) => void,
): Some<Types> {
  function put(project: ProjectInfo): ProjectInfo {
    state.projects = [...state.projects.filter((other) => other.projectId !== project.projectId), project];
    changed(project);
    return project;
  }

  function tree(projectId: string): ProjectInfo & { worktree: NonNullable<ProjectInfo["worktree"]> } {
    const found = state.projects.find((project) => project.projectId === projectId);
    return found?.worktree ? { ...found, worktree: found.worktree } : refuse("PROJECT_NOT_FOUND");
  }

  function stateOf(projectId: string): SessionWorktreeStateResponse {
    const { worktree } = tree(projectId);
    const held = {
      branch: worktree.branch,
      base: worktree.base,
      problem: null,
      working: state.sessions.some((session) => session.projectId === projectId && session.state === "working"),
      commit: COMMIT,
      ahead: 0,
      behind: 0,
      files: 0,
      uncommitted: 0,
      checkedOut: null,
      baseCheckedOut: true,
      conflicts: [],
      ...state.trees.get(projectId),
    };
    return { ...held, loss: held.ahead + held.uncommitted > 0 ? `${held.ahead}/${held.uncommitted}` : null };
  }

  return {
    session_worktree_create: ({ worktreeId, projectId, branch, base }) => {
      const known = state.projects.find((project) => project.projectId === worktreeId);
      if (known) return { project: known };
      if (state.projects.some((project) => project.worktree?.branch === branch && !project.worktree.gone))
        return refuse("CONFLICT", { reason: "branch_exists" });
      return {
        project: put({
          projectId: worktreeId,
          name: branch,
          path: `/home/ada/.config/pocketcoder-worktrees/${branch.replaceAll("/", "")}-${worktreeId.slice(-12)}`,
          createdAt: new Date().toISOString(),
          lastOpenedAt: null,
          missing: false,
          worktree: { parentId: projectId, branch, base: base ?? "fix/login", gone: false },
        }),
      };
    },
    session_worktree_state: ({ projectId }) => stateOf(projectId),
    session_worktree_merge: ({ projectId, commit }) => {
      const now = stateOf(projectId);
      if (now.commit !== commit || now.working || now.uncommitted > 0 || !now.baseCheckedOut) return refuse("CONFLICT");
      if (now.conflicts.length > 0) return refuse("GIT_CONFLICT", { paths: now.conflicts.join("\n") });
      state.trees.set(projectId, {});
      return { commit: COMMIT, alreadyMerged: now.ahead === 0 };
    },
    session_worktree_discard: ({ projectId, loss }) => {
      const project = tree(projectId);
      if (!project.worktree.gone && stateOf(projectId).loss !== (loss ?? null)) return refuse("CONFLICT", { reason: "would_lose" });
      put({ ...project, missing: true, worktree: { ...project.worktree, gone: true } });
      return { commit: COMMIT };
    },
  };
}
