import { describe, expect, it } from "vitest";
import { RequestError } from "../client/errors";
import type { FsEntry, FsKind, FsListRequest, FsListResponse } from "../protocol/generated";
import { MOST_SHOWN, Subfolders } from "./subfolders.svelte";

const entry = (name: string, kind: FsKind = "dir"): FsEntry => ({
  name,
  path: name,
  kind,
  size: 0,
  mtime: "2026-01-01T00:00:00Z",
  ignored: false,
  gitStatus: null,
  secret: false,
  target: null,
});

function machine(levels: Record<string, readonly FsEntry[]>): {
  asked: FsListRequest[];
  request: (type: "fs_list", payload: FsListRequest) => Promise<FsListResponse>;
} {
  const asked: FsListRequest[] = [];
  return {
    asked,
    request: async (_, payload) => {
      asked.push(payload);
      const all = levels[payload.path ?? ""];
      if (!all) throw new RequestError("FILE_NOT_FOUND", "It does not exist.");
      const from = Number(payload.cursor ?? 0);
      const to = from + (payload.limit ?? 500);
      const truncated = to < all.length;
      return { path: payload.path ?? "", children: all.slice(from, to), truncated, cursor: truncated ? String(to) : null };
    },
  };
}

describe("a walk through a project's folders", () => {
  it("shows only folders that a session can work in", async () => {
    const walk = new Subfolders(
      machine({ "": [entry("web"), entry(".git"), entry("link", "symlink"), entry("file.txt", "file"), entry("odd\\u{202e}")] }),
      "p",
    );
    await walk.begin("");
    expect([walk.path, walk.names, walk.more]).toEqual(["", ["web"], false]);
  });

  it("goes down and up by whole paths", async () => {
    const client = machine({ "": [entry("packages")], packages: [entry("web")], "packages/web": [] });
    const walk = new Subfolders(client, "p");
    await walk.begin("");
    await walk.enter("packages");
    await walk.enter("web");
    expect([walk.path, walk.names]).toEqual(["packages/web", []]);
    await walk.go("packages");
    expect([walk.path, walk.names]).toEqual(["packages", ["web"]]);
    expect(client.asked.every((asked) => asked.projectId === "p")).toBe(true);
  });

  it("stays where it is when a step is refused, and says why", async () => {
    const walk = new Subfolders(machine({ "": [entry("gone")] }), "p");
    await walk.begin("");
    await walk.enter("gone");
    expect([walk.path, walk.names, walk.busy]).toEqual(["", ["gone"], false]);
    expect(walk.problem).not.toBe("");
  });

  it("begins at the root when the folder that was chosen is gone", async () => {
    const walk = new Subfolders(machine({ "": [entry("web")] }), "p");
    await walk.begin("was/here");
    expect([walk.path, walk.names]).toEqual(["", ["web"]]);
  });

  it("reads a few pages and says when there is more", async () => {
    const many = Array.from({ length: 700 }, (_, at) => entry(`d${at}`));
    const walk = new Subfolders(machine({ "": many }), "p");
    await walk.begin("");
    expect([walk.names?.length, walk.more]).toEqual([MOST_SHOWN, true]);

    const files = Array.from({ length: 5000 }, (_, at) => entry(`f${at}`, "file"));
    const client = machine({ "": files });
    const bounded = new Subfolders(client, "p");
    await bounded.begin("");
    expect([bounded.names, bounded.more, client.asked.length]).toEqual([[], true, 4]);
  });

  it("lets only the latest answer count", async () => {
    let free: (value: FsListResponse) => void = () => undefined;
    const slow = new Promise<FsListResponse>((resolve) => (free = resolve));
    const walk = new Subfolders(
      {
        request: (_, payload) =>
          payload.path === "slow" ? slow : Promise.resolve({ path: "", children: [entry("web")], truncated: false, cursor: null }),
      },
      "p",
    );
    const first = walk.go("slow");
    await walk.go("");
    free({ path: "slow", children: [entry("late")], truncated: false, cursor: null });
    await first;
    expect([walk.path, walk.names, walk.busy]).toEqual(["", ["web"], false]);
  });
});
