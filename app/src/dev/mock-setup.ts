import { uuid7 } from "$lib/ids/uuid7";
import type { MachineEvent, ProjectInfo, Requests } from "$lib/protocol/generated";
import type { MockState } from "./mock-machine";
import { cloneAnswers } from "./mock-clones";
import type { Refuse, Some } from "./mock-project-files";

const HOME = "/home/ada";
/** Folders of a person's home, each with the names in it. */
const FOLDERS: readonly string[] = ["Documents", "src", "src/notes", "src/website", "src/website/assets"];
const REPOSITORIES: readonly string[] = ["src/website"];

/** A home folder to look for projects in. */
export function setupAnswers(
  state: MockState,
  refuse: Refuse,
  change: (event: MachineEvent) => void,
): Some<
  Extract<
    keyof Requests,
    | "folders_list"
    | "project_add"
    | "project_create"
    | "project_clone"
    | "project_clone_get"
    | "project_clone_cancel"
    | "project_rename"
    | "project_remove"
  >
> {
  const made: string[] = [];
  const all = (): string[] => [...FOLDERS, ...made].map((folder) => `${HOME}/${folder}`);
  const put = (project: ProjectInfo): ProjectInfo => {
    state.projects = [...state.projects.filter((one) => one.projectId !== project.projectId), project];
    change({ kind: "project", project });
    return project;
  };
  const register = (path: string, name: string): ProjectInfo =>
    put({
      projectId: uuid7(),
      name,
      path,
      createdAt: new Date().toISOString(),
      lastOpenedAt: null,
      missing: false,
      worktree: null,
    });
  const place = (path: string, name: string): ProjectInfo => {
    made.push(path.slice(HOME.length + 1));
    return register(path, name);
  };
  const last = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
  return {
    folders_list: ({ path }) => {
      if (path === null || path === undefined)
        return {
          path: null,
          parent: null,
          folders: [{ name: last(HOME), path: HOME, repository: false, projectId: null }],
          truncated: false,
        };
      if (path !== HOME && !all().includes(path)) return refuse("PERMISSION_DENIED");
      return {
        path,
        parent: path === HOME ? null : path.slice(0, path.lastIndexOf("/")),
        folders: all()
          .filter((folder) => folder.slice(0, folder.lastIndexOf("/")) === path)
          .sort()
          .map((folder) => ({
            name: last(folder),
            path: folder,
            repository: REPOSITORIES.includes(folder.slice(HOME.length + 1)),
            projectId: state.projects.find((project) => project.path === folder)?.projectId ?? null,
          })),
        truncated: false,
      };
    },
    project_add: ({ path, name }) => {
      const known = state.projects.find((project) => project.path === path);
      if (known) return { project: known, added: false };
      return { project: register(path, name ?? last(path)), added: true };
    },
    project_create: ({ parent, name }) => {
      const path = `${parent}/${name}`;
      if (all().includes(path)) return refuse("FILE_EXISTS");
      return { project: place(path, name) };
    },
    ...cloneAnswers((path) => all().includes(path), place, refuse, change),
    project_rename: ({ projectId, name }) => {
      const project = state.projects.find((one) => one.projectId === projectId);
      return project ? { project: put({ ...project, name }) } : refuse("PROJECT_NOT_FOUND");
    },
    project_remove: ({ projectId }) => {
      const project = state.projects.find((one) => one.projectId === projectId);
      if (!project) return refuse("PROJECT_NOT_FOUND");
      state.projects = state.projects.filter((one) => one !== project);
      change({ kind: "project_removed", projectId });
      return { project };
    },
  };
}
