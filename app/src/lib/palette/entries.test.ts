import { describe, expect, it } from "vitest";
import type { ProjectInfo, SessionInfo } from "../protocol/generated";
import { pathOf, parseRoute } from "../router/router.svelte";
import { entriesOf } from "./entries";

const project = (projectId: string, name: string): ProjectInfo =>
  ({ projectId, name, path: `/src/${name}`, missing: false }) as ProjectInfo;
const session = (agentSessionId: string, title: string, updatedAt: string, archived = false): SessionInfo =>
  ({ agentSessionId, title, updatedAt, archived }) as SessionInfo;
const known = {
  projects: [project("p1", "api"), project("p2", "web")],
  sessions: [session("s1", "Old", "2026-01-01"), session("s2", "New", "2026-02-01"), session("s3", "Away", "2026-03-01", true)],
  favourites: [{ name: "tests", command: "npm test -- --run" }],
  manages: true,
};

describe("the palette's entries", () => {
  it("are all different, and each address leads back to its screen", () => {
    const entries = entriesOf({ ...known, projectId: "p1" });
    expect(new Set(entries.map((entry) => entry.id)).size).toBe(entries.length);
    for (const entry of entries) expect(parseRoute(pathOf(entry.route)), entry.title).toEqual(entry.route);
  });

  it("begin with the project where the person is, its favourite commands first", () => {
    expect(
      entriesOf({ ...known, projectId: "p1" })
        .slice(0, 2)
        .map((entry) => entry.title),
    ).toEqual(["Run: tests", "api: Search in files"]);
    expect(entriesOf({ ...known, projectId: null }).some((entry) => entry.kind === "command")).toBe(false);
  });

  it("have the newest sessions first and none that is archived", () => {
    expect(
      entriesOf({ ...known, projectId: null })
        .filter((entry) => entry.kind === "session")
        .map((entry) => entry.title),
    ).toEqual(["New", "Old"]);
  });

  it("offer the log only to those who may read it", () => {
    const has = (manages: boolean): boolean => entriesOf({ ...known, manages, projectId: null }).some((entry) => entry.id === "logs");
    expect([has(true), has(false)]).toEqual([true, false]);
  });
});
