import { describe, expect, it } from "vitest";
import type { ProjectInfo } from "../protocol/generated";
import { isBranchName, suggestBranch, withWorktrees } from "./worktrees";

describe("a branch's name", () => {
  it.each(["fix", "fix/login", "a.b", "修复", "a@b", "v1.0-rc_1"])("can be %s", (name) => expect(isBranchName(name)).toBe(true));

  it.each(["", "-x", "/x", "x/", "x.", "a..b", "a//b", "a@{1}", "@", "HEAD", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b"])(
    "can't be %j",
    (name) => expect(isBranchName(name)).toBe(false),
  );

  it.each(["a\u0000b", "a\tb", "a\u007f", "a🦊", "a\u202eb", "a\u00a0b", ".a", "x/.a", "a.lock", "x.lock/y", "a".repeat(201)])(
    "nor %j",
    (name) => expect(isBranchName(name)).toBe(false),
  );

  it("is suggested from the prompt's first words, and is not taken", () => {
    expect(suggestBranch("Fix the login: it's slow!", [])).toBe("fix-the-login-it-s-slow");
    expect(suggestBranch("Please slow down guessing after each failed attempt to log in", [])).toBe("please-slow-down-guessing-after-each");
    expect(suggestBranch("Fix", ["fix", "fix-2"])).toBe("fix-3");
    expect(suggestBranch("修复 登录", [])).toBe("修复-登录");
    for (const nothing of ["", "  ", "!?", "🦊"]) expect(suggestBranch(nothing, [])).toBe("work");
    expect(suggestBranch("x".repeat(90), [])).toBe("x".repeat(40));
  });
});

describe("worktrees in a list of projects", () => {
  const project = (projectId: string, parentId?: string, gone = false): ProjectInfo => ({
    projectId,
    name: projectId,
    path: `/${projectId}`,
    createdAt: "2026-01-01T00:00:00Z",
    lastOpenedAt: null,
    missing: gone,
    worktree: parentId === undefined ? null : { parentId, branch: projectId, base: "main", gone },
  });

  it("stand beneath their project, and not at all when they were thrown away", () => {
    const all = [project("w2", "b"), project("a"), project("gone", "a", true), project("b"), project("w1", "a")];
    expect(withWorktrees(all).map((one) => one.projectId)).toEqual(["a", "w1", "b", "w2"]);
  });

  it("are still listed where their project is not", () =>
    expect(withWorktrees([project("w", "nowhere")]).map((one) => one.projectId)).toEqual(["w"]));
});
