import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { settle, until } from "../../../tests/wait";
import { doorTo } from "../../dev/mock-door";
import { MockMachine, type MockState } from "../../dev/mock-machine";
import { digests } from "../../dev/mock-project-files";
import { scenario } from "../../dev/scenarios";
import { uuid7 } from "../ids/uuid7";
import { Database } from "../storage/database";
import { Workspace } from "../stores/workspace.svelte";
import { p } from "../strings/project";
import { Consent } from "./consent.svelte";
import { Folder } from "./folder.svelte";
import { download, OpenFile, sha256 } from "./open-file.svelte";
import { Repository } from "./repository.svelte";
import { Runs } from "./runs.svelte";
import { Uploads } from "./uploads.svelte";

const PAIRED = { machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b", name: "atlas", signingKey: "mock" };
let state: MockState;
let machine: MockMachine;
let workspace: Workspace;
let consent: Consent;
let projectId: string;

beforeEach(async () => {
  state = await scenario("rich");
  state.pace = 0;
  machine = new MockMachine(state);
  workspace = new Workspace(doorTo(machine), new Database(`projects-${uuid7()}`), PAIRED, "app/test");
  await workspace.start();
  await until(() => workspace.loaded, "the machine's state was read");
  consent = new Consent(workspace);
  projectId = state.projects[0]?.projectId ?? "";
});
afterEach(() => workspace.stop());

const file = (path: string): OpenFile => new OpenFile(workspace, consent, projectId, path);
const asked = (type: string): number => machine.requests.filter((request) => request.type === type).length;
async function decide(verdict: "allow" | "deny"): Promise<void> {
  await until(() => consent.shown !== null && workspace.approvals.has(consent.shown), "it was asked for a decision");
  const approval = workspace.approvals.get(consent.shown ?? "");
  if (approval) await workspace.decide(approval, verdict, "once");
}

describe("what must be allowed first", () => {
  it("is shown at once and goes on by itself after the yes", async () => {
    const secret = file(".env");
    const opened = secret.open();
    await decide("allow");
    await opened;
    expect([secret.state, secret.text, consent.shown]).toEqual(["text", "TOKEN=abc\n", null]);
  });
  it("is not read after a no, and says why", async () => {
    const secret = file(".env");
    const opened = secret.open();
    await decide("deny");
    await opened;
    expect([secret.state, secret.problem, asked("fs_read")]).toEqual(["failed", p.consent.denied, 1]);
  });
  it("waits in the inbox when the sheet is closed", async () => {
    const secret = file(".env");
    const opened = secret.open();
    await until(() => consent.shown !== null, "it was asked for a decision");
    const approvalId = consent.shown ?? "";
    consent.dismiss();
    await opened;
    expect(secret.problem).toBe(p.consent.later);
    await until(() => workspace.approvals.get(approvalId)?.state === "pending", "it still waits");
  });
});

describe("a file that is edited", () => {
  it("is saved over what it began with", async () => {
    const one = file("package.json");
    await one.open();
    one.edit("{}\n");
    expect(one.dirty).toBe(true);
    await one.save();
    expect([one.dirty, one.problem, machine.tree.work.get("package.json")?.content]).toEqual([false, "", "{}\n"]);
  });
  it("is not saved over what somebody else wrote: both are there, and mine wins only when I say so", async () => {
    const one = file("package.json");
    await one.open();
    one.edit("mine\n");
    machine.tree.write("package.json", "theirs\n");
    await one.save();
    expect([one.conflict?.text, machine.tree.work.get("package.json")?.content]).toEqual(["theirs\n", "theirs\n"]);
    await one.keepMine();
    expect([one.conflict, machine.tree.work.get("package.json")?.content]).toEqual([null, "mine\n"]);
  });
  it("can take theirs instead", async () => {
    const one = file("package.json");
    await one.open();
    one.edit("mine\n");
    machine.tree.write("package.json", "theirs\n");
    await one.save();
    one.takeTheirs();
    expect([one.text, one.dirty, one.conflict]).toEqual(["theirs\n", false, null]);
  });
  it("keeps what was not saved on this device, and still knows what it began with", async () => {
    const one = file("package.json");
    await one.open();
    one.edit("half a thought");
    await workspace.drafts.flush();
    machine.tree.write("package.json", "theirs\n");
    const again = file("package.json");
    await again.open();
    expect([again.text, again.dirty]).toEqual(["half a thought", true]);
    await again.save();
    expect(again.conflict?.text).toBe("theirs\n");
    again.revert();
    await workspace.drafts.flush();
    const last = file("package.json");
    await last.open();
    expect(last.dirty).toBe(false);
  });
  it("says that it was deleted meanwhile, and can be written anew", async () => {
    const one = file("package.json");
    await one.open();
    one.edit("mine\n");
    machine.tree.work.delete("package.json");
    await one.save();
    expect(one.conflict).toEqual({ etag: null, text: null });
    await one.keepMine();
    expect(machine.tree.work.get("package.json")?.content).toBe("mine\n");
  });
});

describe("folders and transfers", () => {
  it("lists one level, folders first, with git's letters", async () => {
    const folder = new Folder(workspace.client, projectId, "src/auth");
    await folder.read();
    expect(folder.entries?.map((entry) => [entry.name, entry.gitStatus])).toEqual([
      ["hash.ts", "M."],
      ["login.test.ts", "??"],
      ["login.ts", ".M"],
    ]);
    const gone = new Folder(workspace.client, projectId, "nowhere");
    await gone.read();
    expect(gone.problem).not.toBe("");
  });
  it("goes on with an upload where it was after the connection went", async () => {
    const uploads = new Uploads(workspace, consent, projectId, () => undefined);
    uploads.add([new File([new Uint8Array(900_000).fill(65)], "big.bin")], "docs");
    const answer = machine.answer.bind(machine);
    let dropped = false;
    machine.answer = (socket, envelope) => {
      if (dropped || envelope.type !== "fs_upload_chunk" || asked("fs_upload_chunk") < 2) answer(socket, envelope);
      else {
        dropped = true;
        machine.dropAll(); // the third piece is never answered
      }
    };
    await until(() => uploads.list[0]?.state === "done", "it arrived", 15_000);
    expect(machine.tree.work.get("docs/big.bin")).toBeDefined();
    expect([dropped, asked("fs_upload_begin"), asked("fs_upload_chunk")]).toEqual([true, 2, 4]);
  });
  it("asks before an upload takes the place of something", async () => {
    const uploads = new Uploads(workspace, consent, projectId, () => undefined);
    uploads.add([new File(["new"], "README.md")], "");
    await until(() => uploads.list[0]?.state === "there", "it says that something is there");
    expect(machine.tree.work.get("README.md")?.content).toContain("gateway");
  });
  it("does not hand out a file that came through damaged", async () => {
    digests.set("README.md", "00");
    await expect(download(consent, projectId, "README.md", () => undefined)).rejects.toThrow(p.files.readFailed);
    digests.set("README.md", await sha256(new Blob([machine.tree.work.get("README.md")?.content ?? ""])));
    expect((await download(consent, projectId, "README.md", () => undefined)).name).toBe("README.md");
  });
});

describe("a repository", () => {
  const LOGIN = "src/auth/login.ts";
  it("stages one part of a change and commits only that", async () => {
    const repository = new Repository(workspace, consent, projectId);
    await repository.read();
    const diff = await repository.diff("unstaged", LOGIN);
    expect(diff?.hunks.length).toBe(2);
    await repository.run(() => repository.ask("git_stage", { selections: [{ path: LOGIN, hunkId: diff?.hunks[0]?.id ?? "" }] }));
    expect([
      repository.status?.staged.some((change) => change.path === LOGIN),
      repository.status?.unstaged.some((change) => change.path === LOGIN),
    ]).toEqual([true, true]);
    expect(await repository.commit("One part\n\nwhy", false)).toBe(true);
    expect([repository.committed?.subject, repository.status?.staged, machine.tree.head.get(LOGIN)?.includes("Date.now()")]).toEqual([
      "One part",
      [],
      false,
    ]);
  });
  it("brings back what was discarded", async () => {
    const repository = new Repository(workspace, consent, projectId);
    const before = machine.tree.work.get(LOGIN)?.content;
    await repository.discard({ paths: [LOGIN] });
    expect(machine.tree.work.get(LOGIN)?.content).toBe(machine.tree.index.get(LOGIN));
    await repository.undoDiscard();
    expect([machine.tree.work.get(LOGIN)?.content, repository.discarded]).toEqual([before, null]);
  });
  it("pushes after the yes only, and keeps the card to show how it ended", async () => {
    const repository = new Repository(workspace, consent, projectId);
    await repository.read();
    const pushing = repository.transfer("git_push", {});
    await until(() => consent.shown !== null, "it was asked for a decision");
    expect(repository.status?.ahead).toBe(2);
    await decide("allow");
    expect(await pushing).toBe(true);
    expect([repository.status?.ahead, consent.shown === null]).toEqual([0, false]);
  });
  it("says what git said when it refuses", async () => {
    const repository = new Repository(workspace, consent, projectId);
    state.errors.set("git_stage", "GIT_ERROR");
    await repository.stage(["x"]);
    expect(repository.problem).not.toBe("");
  });
});

describe("commands", () => {
  it("shows what a command writes as it comes, and its end", async () => {
    const runs = new Runs(workspace, new Consent(workspace), projectId);
    await runs.read();
    expect(await runs.run("npm test")).toBe(true);
    await until(() => runs.list?.[0]?.state === "exited", "it ended");
    expect([
      runs.list?.[0]?.exitCode,
      runs
        .output(runs.open ?? "")
        .pieces.map((piece) => piece.text)
        .join(""),
    ]).toEqual([0, expect.stringContaining("43 passed")]);
  });
  it("asks first where a rule of the project says so, and shows the run that the machine then began", async () => {
    const runs = new Runs(workspace, consent, projectId);
    await runs.read();
    const running = runs.run("rm -rf build");
    await until(() => consent.shown !== null, "it is asked about");
    await decide("allow");
    expect(await running).toBe(true);
    expect([runs.list?.[0]?.command, runs.open, consent.shown]).toEqual(["rm -rf build", runs.list?.[0]?.runId, null]);
    expect(asked("command_exec")).toBe(1);
    runs.leave();
  });
  it("names the rule that forbids a command", async () => {
    const runs = new Runs(workspace, consent, projectId);
    expect(await runs.run("git push --force")).toBe(false);
    expect(runs.problem).toContain("git push *");
  });
  it("sends what the form says, and keeps a favourite without variables and input", async () => {
    const runs = new Runs(workspace, consent, projectId);
    await runs.read();
    await runs.run("npm test", { cwd: "packages/api", environment: { CI: "1" }, stdin: "y\n", timeoutSeconds: 600 });
    expect(machine.requests.find((request) => request.type === "command_exec")?.payload).toMatchObject({
      cwd: "packages/api",
      environment: { CI: "1" },
      stdin: "y\n",
      timeoutSeconds: 600,
    });
    const [begun] = runs.list ?? [];
    if (begun) await runs.favour(begun);
    expect(runs.favourites.at(-1)).toEqual({ name: "npm test", command: "npm test", cwd: "packages/api", timeoutSeconds: 600 });
    runs.leave();
  });
  it("stops one, and reads on where it was after the connection went", async () => {
    const runs = new Runs(workspace, new Consent(workspace), projectId);
    await runs.read();
    await runs.run("sleep 100");
    const output = runs.output(runs.open ?? "");
    await until(() => output.pieces.length > 0, "it wrote");
    machine.dropAll();
    await until(() => asked("command_read") > 0, "it was read on", 15_000);
    await settle();
    expect((machine.requests.find((request) => request.type === "command_read")?.payload as { offset: number }).offset).toBe(
      "waiting\n".length,
    );
    await runs.cancel(runs.open ?? "");
    expect(runs.list?.[0]?.state).toBe("cancelled");
    runs.leave();
  });
});
