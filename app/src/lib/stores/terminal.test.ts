import { describe, expect, it } from "vitest";
import { Client } from "../client/client";
import { Limits, type Envelope, type TerminalOutputPayload } from "../protocol/generated";
import { settle } from "../../../tests/wait";
import { TerminalStore } from "./terminal.svelte";

const blank = { v: 1, requestId: null, stream: null, epoch: null, seq: null, payload: null, error: null } as const;
const info = {
  agentSessionId: "s",
  name: "main",
  columns: 80,
  rows: 24,
  viewers: 1,
  openedAt: "2026-01-01T00:00:00Z",
  sandbox: "bubblewrap",
} as const;

class FakeMachine {
  readonly sent: Envelope[] = [];
  readonly client: Client;
  mayType = true;
  up = true;
  refuse = new Map<string, string>();

  constructor() {
    this.client = new Client({
      send: (envelope) => {
        if (!this.up) return false;
        this.sent.push(envelope);
        queueMicrotask(() => this.#answer(envelope));
        return true;
      },
    });
    this.client.connected();
  }

  of(type: string): Record<string, unknown>[] {
    return this.sent.filter((envelope) => envelope.type === type).map((envelope) => envelope.payload as Record<string, unknown>);
  }

  output(seq: number, data: string, more: Partial<TerminalOutputPayload> = {}, epoch = "e1"): void {
    const payload: TerminalOutputPayload = {
      agentSessionId: "s",
      name: "main",
      data,
      reset: false,
      skipped: false,
      columns: 80,
      rows: 24,
      ended: null,
      ...more,
    };
    this.client.received({ ...blank, type: "terminal_output", stream: "terminal/s/main", epoch, seq, payload });
  }

  #answer({ type, requestId }: Envelope): void {
    const code = this.refuse.get(type);
    if (code) {
      this.client.received({ ...blank, type: "error", requestId, error: { code: code as "UNAVAILABLE", message: "no" } });
      return;
    }
    const payload =
      type === "terminal_open"
        ? { terminal: info, opened: true }
        : type === "terminal_attach"
          ? { terminal: info, epoch: "e1", mayType: this.mayType }
          : {};
    this.client.received({ ...blank, type: `${type}_response`, requestId, payload });
  }
}

class Paper {
  text = "";
  sizes: string[] = [];
  waiting: (() => void)[] = [];
  slow = false;
  reset(columns: number, rows: number): void {
    this.text = "";
    this.sizes.push(`${columns}x${rows}`);
  }
  resize(columns: number, rows: number): void {
    this.sizes.push(`${columns}x${rows}`);
  }
  write(text: string, drawn: () => void): void {
    this.text += text;
    if (this.slow) this.waiting.push(drawn);
    else drawn();
  }
}

async function opened(mayOpen = true): Promise<{ machine: FakeMachine; paper: Paper; store: TerminalStore }> {
  const machine = new FakeMachine();
  const paper = new Paper();
  const store = new TerminalStore(machine.client, paper, "s", "main", { columns: 80, rows: 24 }, mayOpen);
  await settle();
  machine.output(1, "screen", { reset: true });
  return { machine, paper, store };
}

describe("a terminal", () => {
  it("opens, attaches and draws in order", async () => {
    const { machine, paper, store } = await opened();
    expect(machine.of("terminal_open")).toHaveLength(1);
    expect(machine.of("terminal_attach")[0]).toMatchObject({ columns: 80, rows: 24 });
    machine.output(2, " and more");
    expect(paper.text).toBe("screen and more");
    expect(store.state).toBe("live");
  });

  it("opens nothing on a device that may not", async () => {
    const { machine } = await opened(false);
    expect(machine.of("terminal_open")).toHaveLength(0);
    expect(machine.of("terminal_attach")).toHaveLength(1);
  });

  it("begins anew when a message is missing, and drops those of an earlier attach", async () => {
    const { machine, paper } = await opened();
    machine.output(2, "late", {}, "e0");
    machine.output(3, "gap");
    expect(paper.text).toBe("screen");
    await settle();
    expect(machine.of("terminal_attach")).toHaveLength(2);
    machine.output(1, "whole", { reset: true }, "e2");
    expect(paper.text).toBe("whole");
  });

  it("acknowledges what is drawn and nothing before", async () => {
    const { machine, paper } = await opened();
    paper.slow = true;
    machine.output(2, "x".repeat(Limits.terminalWindow / 2));
    await settle();
    expect(machine.of("terminal_ack")).toHaveLength(0);
    for (const drawn of paper.waiting.splice(0)) drawn();
    expect(machine.of("terminal_ack")).toEqual([{ agentSessionId: "s", name: "main", epoch: "e1", seq: 2 }]);
  });

  it("keeps the screen still while paused, then goes on where it was", async () => {
    const { machine, paper, store } = await opened();
    store.pause();
    machine.output(2, "a".repeat(50_000));
    expect(paper.text).toBe("screen");
    expect(store.behind).toBe(50_000);
    expect(machine.of("terminal_ack")).toHaveLength(0);
    store.resume();
    expect(paper.text).toHaveLength(50_006);
    expect(store.behind).toBe(0);
    expect(machine.of("terminal_ack")).toHaveLength(1);
  });

  it("forgets what waited when a redraw comes, and says that something was left out", async () => {
    const { machine, paper, store } = await opened();
    store.pause();
    machine.output(2, "old");
    machine.output(3, "now", { reset: true, skipped: true });
    store.resume();
    expect(paper.text).toBe("now");
    expect(store.skipped).toBe(true);
  });

  it("types in portions, and goes on when somebody types while it is paused", async () => {
    const { machine, store } = await opened();
    store.pause();
    store.type("y".repeat(Limits.terminalInputBytes / 4 + 1));
    expect(store.paused).toBe(false);
    expect(machine.of("terminal_input").map((input) => (input["data"] as string).length)).toEqual([Limits.terminalInputBytes / 4, 1]);
  });

  it("never types on a device that only looks", async () => {
    const machine = new FakeMachine();
    machine.mayType = false;
    const store = new TerminalStore(machine.client, new Paper(), "s", "main", { columns: 80, rows: 24 }, false);
    await settle();
    store.type("rm -rf /\r");
    store.resize(10, 10);
    expect(machine.of("terminal_input")).toHaveLength(0);
    expect(machine.of("terminal_resize")).toHaveLength(0);
  });

  it("takes the terminal's size, whoever set it", async () => {
    const { machine, paper, store } = await opened();
    machine.output(2, "", { columns: 100, rows: 30 });
    expect(paper.sizes).toEqual(["80x24", "100x30"]);
    store.resize(60, 20);
    store.resize(60, 20);
    expect(machine.of("terminal_resize")).toHaveLength(1);
  });

  it("comes back after the connection was away", async () => {
    const { machine, paper, store } = await opened();
    machine.up = false;
    machine.client.disconnected();
    expect(store.state).toBe("offline");
    store.type("lost");
    machine.up = true;
    machine.client.connected();
    await settle();
    expect(store.state).toBe("live");
    machine.output(1, "as it is now", { reset: true }, "e2");
    expect(paper.text).toBe("as it is now");
    expect(machine.of("terminal_input")).toHaveLength(0);
  });

  it("ends with words, and can be opened anew", async () => {
    const { machine, store } = await opened();
    machine.output(2, "bye", { ended: "Its shell ended." });
    expect(store.state).toBe("ended");
    expect(store.ended).toBe("Its shell ended.");
    await store.again();
    expect(store.state).toBe("live");
    expect(machine.of("terminal_open")).toHaveLength(2);
  });

  it("says why it can't be had", async () => {
    const machine = new FakeMachine();
    machine.refuse.set("terminal_open", "SANDBOX_UNAVAILABLE");
    const store = new TerminalStore(machine.client, new Paper(), "s", "main", { columns: 80, rows: 24 }, true);
    await settle();
    expect(store.state).toBe("failed");
    expect(store.problem?.code).toBe("SANDBOX_UNAVAILABLE");
  });

  it("says that it isn't open where this device may not open it", async () => {
    const machine = new FakeMachine();
    machine.refuse.set("terminal_attach", "TERMINAL_NOT_FOUND");
    const store = new TerminalStore(machine.client, new Paper(), "s", "main", { columns: 80, rows: 24 }, false);
    await settle();
    expect([store.state, store.problem]).toEqual(["none", null]);
    machine.refuse.delete("terminal_attach");
    await store.attach();
    expect(store.state).toBe("live");
  });
});
