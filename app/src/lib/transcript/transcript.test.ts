import { describe, expect, it } from "vitest";
import { begunTranscript } from "../../dev/mock-begun";
import { bigTranscript, DIFF, result, text, tool, turnEvent, approval, SESSION } from "../../dev/scenarios";
import type { AgentDeltaPayload, AgentEventPayload } from "../protocol/generated";
import { findIn } from "./find";
import { Heights } from "./heights";
import { subagentName, waitingIn } from "./subagent";
import { Transcript } from "./transcript";

function of(...events: AgentEventPayload[]): Transcript {
  const transcript = new Transcript();
  events.forEach((event, at) => transcript.apply(event, at + 1));
  return transcript;
}
const kinds = (transcript: Transcript): string[] => transcript.rows().map((row) => row.kind);
const delta = (blockId: string, offset: number, body: string, more: Partial<AgentDeltaPayload> = {}): AgentDeltaPayload => ({
  turnId: "t",
  blockId,
  kind: "text",
  offset,
  text: body,
  ...more,
});
const after = { at: "2026-01-01T00:00:00Z", turnId: null, parentToolUseId: null };

describe("transcript", () => {
  it("keeps the end of a text that is being written beside it, however long it becomes", () => {
    const transcript = of(turnEvent("a", "go", "running", 1));
    let length = 0;
    for (let i = 0; i < 2_000; i++) {
      const piece = `line ${i} ${"x".repeat(100)}\n`;
      expect(transcript.applyDelta(delta("b", length, piece))).toBe(true);
      length += piece.length;
      const row = transcript.rows().at(-1);
      expect(row?.kind === "text" && row.live && (row.tail ?? "").length <= 16 * 1024 && (row.tail ?? "").endsWith(piece)).toBe(true);
    }
    const row = transcript.rows().at(-1);
    expect(row?.kind === "text" ? row.text.length : 0).toBe(length);
    expect(row?.kind === "text" ? row.text.endsWith(row.tail ?? "?") : false).toBe(true);
  });

  it("shows a prompt once it starts, and only queues it before", () => {
    const transcript = of(turnEvent("a", "first", "running", 1), turnEvent("b", "second", "queued", 1));
    expect(kinds(transcript)).toEqual(["prompt"]);
    expect(transcript.queue.map((turn) => turn.content)).toEqual(["second"]);
    transcript.apply(turnEvent("b", "second, edited", "running", 0), 3);
    expect(kinds(transcript)).toEqual(["prompt", "prompt"]);
    expect(transcript.queue).toEqual([]);
  });

  it("shows what was said meanwhile once, and takes it away when it became a prompt", () => {
    const steer = (state: "sending" | "heard" | "queued"): AgentEventPayload => ({
      kind: "steer",
      promptId: "s",
      content: "in blue",
      deviceId: null,
      state,
      ...after,
    });
    const transcript = of(turnEvent("a", "first", "running", 1), steer("sending"), text("t", "working", 1), steer("heard"));
    expect(kinds(transcript)).toEqual(["prompt", "steer", "text"]);
    expect(transcript.rows().map((row) => (row.kind === "steer" ? row.state : ""))).toEqual(["", "heard", ""]);
    expect(findIn(transcript.rows(), "BLUE")).toEqual(["steer-s"]);
    transcript.apply(steer("queued"), 5);
    expect(kinds(transcript)).toEqual(["prompt", "text"]);
  });

  it("keeps the queue in the order it was put into, and knows which turn ran last", () => {
    const transcript = of(
      turnEvent("a", "a", "queued", 3),
      turnEvent("b", "b", "queued", 3),
      turnEvent("c", "c", "queued", 3),
      { kind: "queue", promptIds: ["c", "a", "b"], ...after },
      turnEvent("d", "d", "queued", 3),
    );
    expect(transcript.queue.map((turn) => turn.turnId)).toEqual(["c", "a", "b", "d"]);
    transcript.apply(turnEvent("c", "c", "completed", 2), 6);
    transcript.apply(turnEvent("a", "a", "failed", 1), 7);
    expect(transcript.queue.map((turn) => turn.turnId)).toEqual(["b", "d"]);
    expect(transcript.lastTurn?.turnId).toBe("a");
  });

  it("knows what the agent offers, and forgets it when it begins anew", () => {
    const transcript = of({
      kind: "offers",
      commands: [{ name: "compact", description: "" }],
      models: [{ id: "m", name: "M", efforts: null }],
      efforts: null,
      ...after,
    });
    expect([transcript.commands.length, transcript.models.length, kinds(transcript).length]).toEqual([1, 1, 0]);
    transcript.clear();
    expect([transcript.commands.length, transcript.models.length]).toEqual([0, 0]);
  });

  it("shows what a command writes while it runs, and the result instead of it when it is over", () => {
    const transcript = of(tool("c", "bash", "execute", "make", 1));
    const live = (): string =>
      transcript
        .rows()
        .map((row) => (row.kind === "tool" ? row.live : ""))
        .join("");
    expect(transcript.applyDelta(delta("c", 0, "one ", { kind: "output" }))).toBe(true);
    expect(transcript.applyDelta(delta("c", 2, "e two", { kind: "output" }))).toBe(true);
    expect(live()).toBe("one two");
    expect(transcript.applyDelta(delta("c", 99, "later", { kind: "output" }))).toBe(false);
    transcript.applyDelta(delta("c", 0, "", { dropped: true }));
    expect(live()).toBe("");
    expect(kinds(transcript)).toEqual(["tool"]);
  });

  it("shows what was said in a terminal before, marked as such, and finds it", () => {
    const transcript = of(...begunTranscript(after.at));
    expect(kinds(transcript)).toEqual(["imported", "imported", "imported", "imported", "notice"]);
    expect(findIn(transcript.rows(), "ratelimiter")).toEqual([transcript.items[2]?.key]);
    expect(transcript.queue).toEqual([]);
  });

  it("knows the jobs that run, until they are over, and shows files that were sent", () => {
    const job = approval(
      "j",
      SESSION.main,
      { kind: "command", command: "serve", cwd: "/p", tool: "bash", input: "{}", background: true },
      {
        toolUseId: "c",
        state: "running",
        execution: { startedAt: after.at, finishedAt: null, exitCode: null, failed: null, job: "job-1" },
      },
    );
    const transcript = of(
      tool("c", "bash", "execute", "serve", 1),
      { kind: "prompt", approval: job, ...after },
      result("c", "job-1 runs", 1),
      turnEvent("t", "x", "completed", 0),
    );
    expect(transcript.jobs.map((item) => item.execution?.job)).toEqual(["job-1"]);
    transcript.apply(
      {
        kind: "sent_file",
        toolUseId: "s",
        agentSessionId: SESSION.main,
        fileId: "f",
        name: "report.md",
        bytes: 3,
        mediaType: "text/markdown",
        sha256: "00",
        caption: "look",
        ...after,
      },
      5,
    );
    expect(findIn(transcript.rows(), "report")).toEqual(["file-f"]);
    transcript.apply({ kind: "prompt", approval: { ...job, state: "finished" }, ...after }, 6);
    expect(transcript.jobs).toEqual([]);
    transcript.clear();
    expect(transcript.jobs).toEqual([]);
  });

  it("never shows a prompt that was taken out of the queue", () => {
    const removed = turnEvent("b", "x", "cancelled", 0);
    const transcript = of(
      turnEvent("b", "x", "queued", 1),
      removed.kind === "turn" ? { ...removed, turn: { ...removed.turn, startedAt: null } } : removed,
    );
    expect(kinds(transcript)).toEqual([]);
    expect(transcript.queue).toEqual([]);
  });

  it("does not let an old answer take a turn back", () => {
    const transcript = of(turnEvent("a", "x", "completed", 1));
    const old = turnEvent("a", "x", "queued", 2);
    if (old.kind === "turn") transcript.applyTurn(old.turn, 0);
    expect(transcript.queue).toEqual([]);
  });

  it("says how a turn ended when it did not complete", () => {
    expect(kinds(of(turnEvent("a", "x", "running", 2), turnEvent("a", "x", "interrupted", 1, "died")))).toEqual(["prompt", "end"]);
    expect(kinds(of(turnEvent("a", "x", "completed", 1)))).toEqual(["prompt"]);
  });

  it("joins a call, its diff, its approval and its result in one row", () => {
    const asked = approval(
      "ap",
      SESSION.main,
      { kind: "edit", path: "a.ts", creates: false, diff: DIFF, tool: "Edit", input: "{}" },
      { toolUseId: "t1" },
    );
    const transcript = of(
      tool("t1", "Edit", "edit", "a.ts", 3),
      { kind: "prompt", approval: asked, ...after },
      { kind: "file_edit", toolUseId: "t1", path: "a.ts", diff: DIFF, ...after },
      result("t1", "ok", 1),
    );
    const [row] = transcript.rows();
    expect(transcript.rows()).toHaveLength(1);
    expect(row).toMatchObject({ kind: "tool", path: "a.ts", approval: { approvalId: "ap" }, result: { output: "ok" }, diff: { added: 3 } });
  });

  it("joins them also when the approval comes before the call", () => {
    const asked = approval("ap", SESSION.main, { kind: "tool", tool: "X", input: "{}" }, { toolUseId: "t1" });
    const transcript = of({ kind: "prompt", approval: asked, ...after }, tool("t1", "X", "other", "x", 1), {
      kind: "prompt",
      approval: { ...asked, state: "denied" },
      ...after,
    });
    expect(transcript.rows()).toMatchObject([{ kind: "tool", approval: { state: "denied" } }]);
  });

  it("folds runs of reads and opens them where something else comes between", () => {
    const transcript = of(
      tool("1", "Read", "read", "a", 1),
      tool("2", "Grep", "search", "b", 1),
      text("x", "hm", 1),
      tool("3", "Read", "read", "c", 1),
    );
    expect(kinds(transcript)).toEqual(["reads", "text", "tool"]);
  });

  it("nests what a sub-agent does under the call that started it, at any depth", () => {
    const transcript = of(
      tool("outer", "Task", "agent", "x", 1),
      tool("inner", "Task", "agent", "y", 1, "outer"),
      tool("leaf", "Read", "read", "z", 1, "inner"),
      result("leaf", "done", 1, {}, "inner"),
    );
    expect(transcript.rows()).toMatchObject([
      { kind: "tool", toolUseId: "outer", children: [{ toolUseId: "inner" }, { toolUseId: "leaf", result: { output: "done" } }] },
    ]);
  });

  it("keeps a sub-agent's request in its thread, and tells of one that waits there", () => {
    const asked = approval("a1", SESSION.main, { kind: "tool", tool: "Bash", input: "{}" }, { toolUseId: "leaf", subAgent: "Explore" });
    const events: AgentEventPayload[] = [
      { ...tool("outer", "Task", "agent", "x", 1), input: '{"subagent_type":"Explore"}' } as AgentEventPayload,
      tool("leaf", "Bash", "execute", "ls", 1, "outer"),
      { kind: "prompt", approval: asked, ...after }, // the machine does not name the sub-agent's call here
    ];
    const waits = of(...events).rows();
    expect(waits).toMatchObject([{ toolUseId: "outer", children: [{ toolUseId: "leaf", approval: { approvalId: "a1" } }] }]);
    const [outer] = waits;
    if (outer?.kind !== "tool") throw new Error("no call");
    expect(subagentName(outer)).toBe("Explore");
    expect(waitingIn(outer.children)).toHaveLength(1);
    expect(subagentName({ ...outer, input: "cut {" })).toBeNull();
    const over = of(
      ...events,
      { kind: "prompt", approval: { ...asked, state: "denied" }, ...after },
      result("leaf", "no", 1, {}, "outer"),
    ).rows();
    expect(over).toHaveLength(1);
    expect(over[0]?.kind === "tool" && waitingIn(over[0].children)).toEqual([]);
  });

  it("builds live text from deltas, drops overlaps and tells of gaps", () => {
    const transcript = new Transcript();
    expect(transcript.applyDelta(delta("b", 0, "Hello"))).toBe(true);
    expect(transcript.applyDelta(delta("b", 3, "lo wor"))).toBe(true);
    expect(transcript.applyDelta(delta("b", 20, "x"))).toBe(false);
    expect(transcript.rows()).toMatchObject([{ kind: "text", text: "Hello wor", live: true }]);
    transcript.apply(text("b", "Hello world", 0), 1);
    expect(transcript.applyDelta(delta("b", 9, "ld"))).toBe(true);
    expect(transcript.rows()).toMatchObject([{ kind: "text", text: "Hello world", live: false }]);
  });

  it("takes a block away whose stream broke", () => {
    const transcript = new Transcript();
    transcript.applyDelta(delta("b", 0, "half"));
    transcript.applyDelta(delta("b", 0, "", { dropped: true }));
    expect(transcript.rows()).toEqual([]);
  });

  it("shows what was seen of a block that the agent never finished once, marked as cut", () => {
    const transcript = new Transcript();
    transcript.applyDelta(delta("b", 0, "half an ans"));
    transcript.apply({ ...text("b", "half an ans", 1), cut: true } as AgentEventPayload, 1);
    transcript.applyDelta(delta("b", 0, "half an ans"));
    expect(transcript.rows()).toMatchObject([{ kind: "text", text: "half an ans", live: false, cut: true }]);
    transcript.apply(text("c", "whole", 1), 2);
    expect(transcript.rows()[1]).not.toHaveProperty("cut");
  });

  it("is the same however live text was cut up (seeded)", () => {
    const seed = Date.now() & 0xffff;
    let state = seed;
    const next = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    const whole = "The quick brown fox 🦊 jumps over the lazy dog. ".repeat(4);
    for (let round = 0; round < 200; round++) {
      const transcript = new Transcript();
      let at = 0;
      while (at < whole.length) {
        const start = Math.max(0, at - next(5));
        const end = Math.min(whole.length, at + 1 + next(12));
        expect(transcript.applyDelta(delta("b", start, whole.slice(start, end)))).toBe(true);
        at = end;
      }
      expect(transcript.rows(), `seed ${seed}`).toMatchObject([{ text: whole }]);
    }
  });

  it("replaces items instead of changing them, so that views notice", () => {
    const transcript = of(tool("1", "Bash", "execute", "x", 1));
    const [before] = transcript.rows();
    transcript.apply(result("1", "ok", 0), 2);
    const [now] = transcript.rows();
    expect(now).not.toBe(before);
    expect(before).toMatchObject({ result: null });
  });

  it("keeps the newest list of steps and the usage out of the rows", () => {
    const transcript = of({ kind: "todo", items: [{ text: "a", state: "active" }], ...after });
    expect(transcript.todo).toHaveLength(1);
    expect(transcript.rows()).toEqual([]);
  });

  it("drops a list of steps that is all done when the next turn begins, and keeps one that is not", () => {
    const left = (state: "done" | "active"): number => {
      const transcript = of(turnEvent("a", "go", "running", 1), { kind: "todo", items: [{ text: "a", state }], ...after });
      transcript.apply(turnEvent("a", "go", "completed", 1), 3);
      transcript.apply(turnEvent("b", "next", "queued", 1), 4);
      expect(transcript.todo).toHaveLength(1);
      transcript.apply(turnEvent("b", "next", "running", 1), 5);
      transcript.apply({ kind: "todo", items: [{ text: "b", state: "done" }], ...after }, 6);
      transcript.apply(turnEvent("b", "next", "completed", 1), 7);
      expect(transcript.todo, "the turn's own end drops nothing").toHaveLength(1);
      const again = of(turnEvent("a", "go", "running", 1), { kind: "todo", items: [{ text: "a", state }], ...after });
      again.apply(turnEvent("b", "next", "running", 1), 3);
      return again.todo.length;
    };
    expect([left("done"), left("active")]).toEqual([0, 1]);
  });

  it("holds ten thousand events", () => {
    const transcript = of(...bigTranscript(10_000));
    expect(transcript.rows().length).toBeGreaterThan(5000);
    expect(new Set(transcript.rows().map((row) => row.key)).size).toBe(transcript.rows().length);
  });

  it("finds text in prompts, answers, calls and output", () => {
    const transcript = of(
      turnEvent("a", "Needle in a prompt", "completed", 1),
      text("b", "no", 1),
      tool("1", "Bash", "execute", "x", 1),
      result("1", "a NEEDLE", 1),
    );
    expect(findIn(transcript.rows(), "needle")).toEqual(["turn-a", "tool-1"]);
    expect(findIn(transcript.rows(), "  ")).toEqual([]);
  });

  it("takes what stands before a fork as another session's", () => {
    const transcript = new Transcript();
    const [before, after] = [turnEvent("t1", "there", "completed", 5), turnEvent("t2", "here", "completed", 1)];
    transcript.apply(before, 1);
    transcript.apply(
      { kind: "todo", items: [{ text: "theirs", state: "pending" }], at: before.at, turnId: "t1", parentToolUseId: null },
      2,
    );
    transcript.apply(
      {
        kind: "fork",
        originSessionId: SESSION.main,
        originTitle: "Their title",
        cut: true,
        at: before.at,
        turnId: null,
        parentToolUseId: null,
      },
      3,
    );
    transcript.apply(after, 4);
    expect(transcript.turns.map((turn) => turn.turnId)).toEqual(["t2"]);
    expect(transcript.todo).toEqual([]);
    expect(transcript.rows().map((row) => row.kind)).toEqual(["prompt", "fork", "prompt"]);
    expect(findIn(transcript.rows(), "their title")).toHaveLength(1);
  });
});

describe("heights", () => {
  it("agree with plain sums, whatever is changed (seeded)", () => {
    const seed = Date.now() & 0xffff;
    let state = seed;
    const next = (n: number): number => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;
    for (let round = 0; round < 60; round++) {
      const plain = Array.from({ length: next(300) }, () => 1 + next(200));
      const heights = new Heights();
      heights.fill(plain);
      for (let change = 0; change < 30 && plain.length > 0; change++) {
        const at = next(plain.length);
        const value = 1 + next(500);
        expect(heights.set(at, value)).toBe(value - (plain[at] ?? 0));
        plain[at] = value;
      }
      const starts = [0];
      for (const value of plain) starts.push((starts.at(-1) ?? 0) + value);
      expect(heights.total).toBe(starts.at(-1));
      for (let probe = 0; probe < 40 && plain.length > 0; probe++) {
        const offset = next((starts.at(-1) ?? 0) + 50);
        const expected = Math.min(
          plain.length - 1,
          starts.findLastIndex((start) => start <= offset),
        );
        expect(heights.find(offset), `seed ${seed} offset ${offset}`).toBe(expected);
        const index = next(plain.length + 1);
        expect(heights.before(index)).toBe(starts[index]);
      }
    }
  });

  it("are empty at first", () => {
    const heights = new Heights();
    expect([heights.total, heights.find(100), heights.set(0, 5)]).toEqual([0, 0, 0]);
  });
});
