import { describe, expect, it } from "vitest";
import { RequestError } from "../client/errors";
import type { FoldersListResponse, ProjectInfo, Requests } from "../protocol/generated";
import { FolderWalk } from "./folder-walk.svelte";

const folder = (path: string | null, parent: string | null, ...inside: string[]): FoldersListResponse => ({
  path,
  parent,
  folders: inside.map((one) => ({ name: one.slice(one.lastIndexOf("/") + 1), path: one, repository: false, projectId: null })),
  truncated: false,
});

type Type = "folders_list" | "project_add" | "project_create";

function machine(answers: Record<string, FoldersListResponse>): {
  request: <T extends Type>(type: T, payload: Requests[T]["request"]) => Promise<Requests[T]["response"]>;
} {
  return {
    request: async (type, payload) => {
      const asked = payload as { path?: string | null; parent?: string };
      if (type === "folders_list") {
        const found = answers[asked.path ?? "roots"];
        if (!found) throw new RequestError("PERMISSION_DENIED", "It is hidden.");
        return found as never;
      }
      if (type === "project_create") throw new RequestError("FILE_EXISTS", "It is there.");
      return { project: { projectId: "1", path: asked.path } as ProjectInfo, added: true } as never;
    },
  };
}

describe("a walk through the machine's folders", () => {
  it("begins in the only root, from which nothing is above", async () => {
    const walk = new FolderWalk(
      machine({ roots: folder(null, null, "/home/ada"), "/home/ada": folder("/home/ada", null, "/home/ada/src") }),
    );
    await walk.begin();
    expect(walk.at?.path).toBe("/home/ada");
    expect(walk.above).toBeUndefined();
  });

  it("begins with the list where there are several, and comes back to it", async () => {
    const walk = new FolderWalk(machine({ roots: folder(null, null, "/a", "/b"), "/a": folder("/a", null), "/a/x": folder("/a/x", "/a") }));
    await walk.begin();
    expect([walk.at?.path, walk.above]).toEqual([null, undefined]);
    await walk.go("/a");
    expect(walk.above).toBeNull();
    await walk.go("/a/x");
    expect(walk.above).toBe("/a");
  });

  it("stays where it is when a step is refused, and says why", async () => {
    const walk = new FolderWalk(machine({ roots: folder(null, null, "/a"), "/a": folder("/a", null) }));
    await walk.begin();
    await walk.go("/a/.ssh");
    expect([walk.at?.path, walk.busy]).toEqual(["/a", false]);
    expect(walk.problem).toContain("It is hidden.");
    expect(await walk.create("/a", "x", true)).toBeNull();
    expect(walk.problem).not.toBe("");
    expect((await walk.add("/a/x"))?.projectId).toBe("1");
    expect(walk.problem).toBe("");
  });

  it("counts only the latest answer", async () => {
    const waiting: Array<(answer: FoldersListResponse) => void> = [];
    const walk = new FolderWalk({ request: () => new Promise((resolve) => waiting.push(resolve as never)) as never });
    const first = walk.go("/slow");
    const second = walk.go("/fast");
    waiting[1]?.(folder("/fast", null));
    waiting[0]?.(folder("/slow", null));
    await Promise.all([first, second]);
    expect([walk.at?.path, walk.busy]).toEqual(["/fast", false]);
  });

  it("sends a new project again by the same id until it knows what became of it", async () => {
    const ids: (string | null | undefined)[] = [];
    const answers: (RequestError | null)[] = [
      new RequestError("TIMEOUT", ""),
      new RequestError("OFFLINE", ""),
      null,
      new RequestError("FILE_EXISTS", ""),
      new RequestError("TIMEOUT", ""),
      null,
    ];
    const walk = new FolderWalk({
      request: async (_type, payload) => {
        ids.push((payload as Requests["project_create"]["request"]).creationId);
        const error = answers.shift();
        if (error) throw error;
        return { project: { projectId: "1" } as ProjectInfo } as never;
      },
    });
    expect(await walk.create("/a", "x", true)).toBeNull();
    expect(await walk.create("/a", "x", true)).toBeNull();
    expect((await walk.create("/a", "x", true))?.projectId).toBe("1");
    await walk.create("/a", "x", true); // refused: known
    await walk.create("/a", "x", true);
    await walk.create("/a", "x", false); // another one
    expect(ids[0]).toMatch(/^[0-9a-f-]{36}$/);
    expect([ids[1], ids[2]]).toEqual([ids[0], ids[0]]);
    expect(new Set(ids).size).toBe(4);
  });
});
