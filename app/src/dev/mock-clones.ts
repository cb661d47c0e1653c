import type { CloneInfo, ClonePhase, MachineEvent, ProjectInfo, Requests } from "$lib/protocol/generated";
import type { Refuse, Some } from "./mock-project-files";

const STEP_MS = 250;
const STEPS: readonly (readonly [ClonePhase, number | null])[] = [
  ["connecting", null],
  ["counting", 50],
  ["receiving", 8],
  ["receiving", 42],
  ["receiving", 87],
  ["resolving", 60],
  ["checking_out", 90],
];

/** Clones: an address with `private` in it wants a token, one with `slow` stays at 42 %, and others become a project. */
export function cloneAnswers(
  taken: (path: string) => boolean,
  place: (path: string, name: string) => ProjectInfo,
  refuse: Refuse,
  change: (event: MachineEvent) => void,
): Some<Extract<keyof Requests, "project_clone" | "project_clone_get" | "project_clone_cancel">> {
  const known = new Map<string, CloneInfo>();
  let timer: ReturnType<typeof setInterval> | undefined;
  const running = (): CloneInfo | null => [...known.values()].find((clone) => clone.state === "running") ?? null;
  const put = (clone: CloneInfo): CloneInfo => {
    if (clone.state !== "running") clearInterval(timer);
    known.set(clone.cloneId, clone);
    change({ kind: "clone", cloning: clone });
    return clone;
  };
  const over = { phase: null, percent: null } as const;
  return {
    project_clone: ({ cloneId, parent, name, address }) => {
      const before = known.get(cloneId);
      if (before) return { cloning: before };
      if (running()) return refuse("CONFLICT", { reason: "clone_running" });
      if (!/^https:|^ssh:|^[^/]+@[^/]+:/u.test(address)) return refuse("INVALID_REQUEST");
      const path = `${parent}/${name}`;
      if (taken(path)) return refuse("FILE_EXISTS");
      const begun: CloneInfo = {
        cloneId,
        path,
        address,
        state: "running",
        phase: "connecting",
        percent: null,
        project: null,
        error: null,
      };
      let step = 0;
      timer = setInterval(() => {
        step++;
        const next = STEPS[step];
        if (address.includes("private"))
          put({
            ...begun,
            ...over,
            state: "failed",
            error: {
              code: "GIT_AUTH_REQUIRED",
              message: "git.example requires a token. On the machine: pocketcoder git-token set git.example",
            },
          });
        else if (next === undefined) put({ ...begun, ...over, state: "done", project: place(path, name) });
        else {
          put({ ...begun, phase: next[0], percent: next[1] });
          if (address.includes("slow") && next[1] === 42) clearInterval(timer);
        }
      }, STEP_MS);
      return { cloning: put(begun) };
    },
    project_clone_get: ({ cloneId }) => ({
      cloning: cloneId === null || cloneId === undefined ? running() : (known.get(cloneId) ?? null),
    }),
    project_clone_cancel: ({ cloneId }) => {
      const clone = known.get(cloneId);
      if (!clone) return refuse("PROJECT_NOT_FOUND");
      return { cloning: clone.state === "running" ? put({ ...clone, ...over, state: "cancelled" }) : clone };
    },
  };
}
