import { beforeEach, describe, expect, it } from "vitest";
import { until } from "../../../tests/wait";
import { doorTo } from "../../dev/mock-door";
import { MockMachine, type MockState } from "../../dev/mock-machine";
import { scenario, SESSION } from "../../dev/scenarios";
import { uuid7 } from "../ids/uuid7";
import { Limits } from "../protocol/generated";
import { Database } from "../storage/database";
import { Workspace } from "../stores/workspace.svelte";
import { plainName } from "./attachments.svelte";

const PAIRED = { machineId: "3f9a1c27b5e04d8896aa10c2d7f4e51b", name: "atlas", signingKey: "mock" };
const PLACE = `session/${SESSION.done}`;
let state: MockState;
let machine: MockMachine;
let database: Database;

async function start(): Promise<Workspace> {
  const made = new Workspace(doorTo(machine), database, PAIRED, "app/test");
  await made.start();
  return made;
}

function file(name: string, size: number, type = "text/plain"): File {
  return new File([new Uint8Array(size).map((_, i) => i % 251)], name, { type });
}

const uploads = (): { name: string; bytes: number; done: boolean; got: Uint8Array }[] => [...machine.files.uploads.values()];
const count = (type: string): number => machine.requests.filter((request) => request.type === type).length;

beforeEach(async () => {
  state = await scenario("rich");
  state.pace = 0;
  machine = new MockMachine(state);
  database = new Database(`attachments-${uuid7()}`);
});

describe("attachments", () => {
  it("are uploaded in pieces, whole, and go with the prompt once", async () => {
    const workspace = await start();
    await until(() => workspace.loaded, "read");
    expect(await workspace.attachments.add(PLACE, [file("notes.txt", 300_000)])).toEqual([]);
    const [staged] = workspace.attachments.of(PLACE);
    await until(() => workspace.attachments.progressOf(staged?.id ?? "").done, "uploaded");
    expect(uploads()[0]).toMatchObject({ name: "notes.txt", bytes: 300_000, done: true });
    expect(
      Buffer.compare(
        uploads()[0]?.got ?? new Uint8Array(),
        new Uint8Array(300_000).map((_, i) => i % 251),
      ),
    ).toBe(0);
    expect(count("attachment_chunk")).toBeGreaterThan(1);

    await workspace.prompt(SESSION.done, "read it", [staged?.id ?? ""]);
    expect(workspace.attachments.of(PLACE)).toEqual([]);
    await until(() => workspace.outbox.length === 0, "recorded");
    const sent = state.events
      .get(SESSION.done)
      ?.flatMap((event) => (event.kind === "turn" && event.turn.content === "read it" ? event.turn.attachments : []));
    expect(sent).toEqual([{ attachmentId: staged?.id, name: "notes.txt", mediaType: "text/plain", bytes: 300_000 }]);
    await until(() => workspace.attachments.files.length === 0, "forgotten");
    expect(await database.of(PAIRED.machineId).all("files")).toEqual([]);
    workspace.stop();
  });

  it("that another app shared stay on the device until their prompt is sent, over a reload too", async () => {
    const first = await start();
    await until(() => first.loaded, "read");
    expect(await first.attachments.add(PLACE, [file("shared.txt", 10)], true)).toEqual([]);
    expect(await first.attachments.add(PLACE, [file("thrown-away.txt", 10)], true)).toEqual([]);
    expect(await first.attachments.add(PLACE, [file("chosen.txt", 10)])).toEqual([]);
    await first.attachments.remove(first.attachments.of(PLACE)[1]?.id ?? "");
    await until(() => uploads().some((one) => one.done), "the chosen one is uploaded");
    first.stop();

    const workspace = await start();
    await until(() => workspace.loaded, "read");
    await until(() => workspace.attachments.progressOf(workspace.attachments.of(PLACE)[1]?.id ?? "").done, "the chosen one is known");
    expect(uploads().map((one) => one.name)).toEqual(["chosen.txt"]);
    expect(count("attachment_discard")).toBe(0);

    await workspace.prompt(
      SESSION.done,
      "both",
      workspace.attachments.of(PLACE).map((one) => one.id),
    );
    await until(() => workspace.outbox.length === 0, "recorded");
    expect(uploads().map((one) => [one.name, one.done])).toEqual([
      ["chosen.txt", true],
      ["shared.txt", true],
    ]);
    workspace.stop();
  });

  it("survive a reload: a draft's stay in the composer, a prompt's go on with it, offline or not", async () => {
    state.network = "never";
    const first = await start();
    await first.attachments.add(PLACE, [file("draft.txt", 10), file("going.txt", 10)]);
    const [draft, going] = first.attachments.of(PLACE);
    await first.prompt(SESSION.done, "with a file", [going?.id ?? ""]);
    first.stop();

    const second = await start();
    expect(second.attachments.of(PLACE).map((item) => item.name)).toEqual(["draft.txt"]);
    expect(second.outbox).toHaveLength(1);
    second.stop();
    state.network = "good";
    const third = await start();
    await until(() => third.outbox.length === 0 && third.attachments.progressOf(draft?.id ?? "").done, "recorded");
    expect(
      uploads()
        .map((upload) => upload.name)
        .sort(),
    ).toEqual(["draft.txt", "going.txt"]);
    expect(state.events.get(SESSION.done)?.filter((event) => event.kind === "turn" && event.turn.content === "with a file")).toHaveLength(
      1,
    );
    await until(() => third.attachments.files.length === 1, "forgotten");
    third.stop();
  });

  it("go on where the machine has them, and again when the machine lost them", async () => {
    const first = await start();
    await until(() => first.loaded, "read");
    await first.attachments.add(PLACE, [file("notes.txt", 200_000)]);
    const [staged] = first.attachments.of(PLACE);
    await until(() => first.attachments.progressOf(staged?.id ?? "").done, "uploaded");
    const upload = uploads()[0];
    if (upload) [upload.done, upload.got] = [false, upload.got.slice(0, 150_000)];
    first.stop();
    const before = count("attachment_chunk");
    const second = await start();
    await until(() => second.attachments.progressOf(staged?.id ?? "").done, "uploaded again");
    expect(count("attachment_chunk")).toBe(before + 1);
    machine.files.uploads.clear(); // swept
    await second.prompt(SESSION.done, "late", [staged?.id ?? ""]);
    await until(() => second.outbox.length === 0, "recorded");
    expect(uploads()[0]?.done).toBe(true);
    second.stop();
  });

  it("say why they can't be taken, and give back what is removed", async () => {
    const workspace = await start();
    await until(() => workspace.loaded, "read");
    const refused = await workspace.attachments.add(PLACE, [
      file("big.bin", Limits.attachmentBytes + 1),
      file("anim.gif", Limits.imageBytes + 1, "image/gif"),
    ]);
    expect(refused).toEqual([
      { name: "big.bin", why: "too_large" },
      { name: "anim.gif", why: "picture" },
    ]);
    const many = await workspace.attachments.add(
      PLACE,
      Array.from({ length: 12 }, (_, n) => file(`${n}.txt`, 5)),
    );
    expect(many.map(({ why }) => why)).toEqual(["too_many", "too_many"]);
    const [first] = workspace.attachments.of(PLACE);
    await until(() => uploads().filter((upload) => upload.done).length === 10, "uploaded");
    await workspace.attachments.remove(first?.id ?? "");
    await until(() => machine.files.uploads.size === 9, "discarded");
    machine.state.errors.set("attachment_begin", "DAEMON_BUSY");
    await workspace.attachments.add(PLACE, [file("late.txt", 5)]);
    const late = workspace.attachments.of(PLACE).find((item) => item.name === "late.txt");
    await until(() => workspace.attachments.progressOf(late?.id ?? "").error !== null, "told");
    workspace.stop();
  });

  it("a prompt that is thrown away takes its files along", async () => {
    state.network = "never";
    const workspace = await start();
    await workspace.attachments.add(PLACE, [file("a.txt", 5)]);
    await workspace.prompt(
      SESSION.done,
      "no",
      workspace.attachments.of(PLACE).map((item) => item.id),
    );
    await workspace.discard(workspace.outbox[0]?.id ?? "");
    expect(workspace.attachments.files).toEqual([]);
    expect(await database.of(PAIRED.machineId).all("files")).toEqual([]);
    workspace.stop();
  });

  it("have plain names", () => {
    expect(plainName("a/b\\c\u202Ed\n.txt")).toBe("a_b_c_d_.txt");
    expect(plainName("..")).toBe("file");
    expect(plainName(`${"x".repeat(300)}.png`)).toMatch(/^x{96}\.png$/);
  });
});
