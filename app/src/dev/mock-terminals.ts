import type { Envelope, ErrorCode, Requests, TerminalInfo, TerminalOutputPayload } from "$lib/protocol/generated";

type Message = Pick<Envelope, "type" | "stream" | "epoch" | "seq" | "payload">;
type TerminalRequests = Extract<keyof Requests, `terminal_${string}`>;
type Answers = { [T in TerminalRequests]: (request: Requests[T]["request"]) => Requests[T]["response"] };

interface Shell {
  info: TerminalInfo;
  epoch: string;
  seq: number;
  line: string;
  screen: string;
}

const PROMPT = "\x1b[?2004h\x1b[32magent@hands\x1b[0m:\x1b[34m~/api\x1b[0m$ ";
const WELCOME =
  "$ npm test\r\n\r\n \x1b[32m✓\x1b[0m src/orders.test.ts (14 tests)\x1b[0m\r\n \x1b[31m✗\x1b[0m src/refunds.test.ts (3 tests)\x1b[0m\r\n\r\n \x1b[48;2;120;30;30m\x1b[38;2;255;220;220m FAIL \x1b[0m refunds \x1b[1mkeep the tax\x1b[0m\r\n   expected \x1b[32m19\x1b[0m, got \x1b[31m0\x1b[0m\r\n\r\n";

/** A shell that knows echo, flood, wide and exit. */
export class MockTerminals {
  readonly #refusal: (agentSessionId: string) => ErrorCode | null;
  readonly #shells = new Map<string, Shell>();
  readonly #outgoing: Message[] = [];
  readonly typed: string[] = [];

  constructor(refusal: (agentSessionId: string) => ErrorCode | null) {
    this.#refusal = refusal;
  }

  /** Hands on what was written since the last call. */
  tell(send: (message: Message) => void): void {
    for (const message of this.#outgoing.splice(0)) send(message);
  }

  answers(refuse: (code: ErrorCode) => never, mayType: () => boolean): Answers {
    const shell = (agentSessionId: string, name: string): Shell =>
      this.#shells.get(`${agentSessionId}/${name}`) ?? refuse("TERMINAL_NOT_FOUND");
    return {
      terminal_list: ({ agentSessionId }) => ({
        terminals: [...this.#shells.values()]
          .map((item) => item.info)
          .filter((info) => !agentSessionId || info.agentSessionId === agentSessionId),
      }),
      terminal_open: ({ agentSessionId, name, columns = 80, rows = 24 }) => {
        const refused = this.#refusal(agentSessionId);
        if (refused) return refuse(refused);
        if (!mayType()) return refuse("UNAUTHORIZED");
        const key = `${agentSessionId}/${name}`;
        const known = this.#shells.get(key);
        const info: TerminalInfo = known?.info ?? {
          agentSessionId,
          name,
          columns,
          rows,
          viewers: 0,
          openedAt: new Date().toISOString(),
          sandbox: "bubblewrap",
        };
        if (!known) this.#shells.set(key, { info, epoch: "", seq: 0, line: "", screen: WELCOME + PROMPT });
        return { terminal: info, opened: !known };
      },
      terminal_attach: ({ agentSessionId, name, columns = 0, rows = 0 }) => {
        const found = shell(agentSessionId, name);
        found.epoch = `attach-${Math.random()}`;
        found.seq = 0;
        found.info = { ...found.info, viewers: 1, ...(columns > 0 && mayType() ? { columns, rows } : {}) };
        this.#write(found, found.screen, { reset: true });
        return { terminal: found.info, epoch: found.epoch, mayType: mayType() };
      },
      terminal_detach: () => ({}),
      terminal_input: ({ agentSessionId, name, data }) => {
        const found = shell(agentSessionId, name);
        this.typed.push(data);
        // eslint-disable-next-line no-control-regex -- terminals speak in escapes
        for (const key of data.replace(/\x1b\[20[01]~/g, "")) this.#key(found, key);
        return {};
      },
      terminal_resize: ({ agentSessionId, name, columns, rows }) => {
        const found = shell(agentSessionId, name);
        found.info = { ...found.info, columns, rows };
        this.#write(found, "");
        return { terminal: found.info };
      },
      terminal_ack: () => ({}),
      terminal_capture: ({ agentSessionId, name }) => ({
        text: shell(agentSessionId, name).screen.replaceAll("\r\n", "\n"),
        columns: 80,
        rows: 24,
      }),
      terminal_close: ({ agentSessionId, name }) => {
        this.#end(shell(agentSessionId, name), "Closed by phone.");
        return {};
      },
    };
  }

  #key(shell: Shell, key: string): void {
    if (key === "\r") {
      const line = shell.line;
      shell.line = "";
      this.#write(shell, "\r\n");
      if (line === "exit") {
        this.#end(shell, "Its shell ended.");
        return;
      }
      if (line.startsWith("echo ")) this.#write(shell, `${line.slice(5)}\r\n`);
      else if (line === "flood") this.#write(shell, "y\r\n".repeat(2000) + PROMPT, { reset: true, skipped: true });
      else if (line !== "") this.#write(shell, `bash: ${line}: command not found\r\n`);
      this.#write(shell, PROMPT);
    } else if (key === "\x03") {
      shell.line = "";
      this.#write(shell, `^C\r\n${PROMPT}`);
    } else if (key >= " ") {
      shell.line += key;
      this.#write(shell, key);
    }
  }

  #end(shell: Shell, why: string): void {
    this.#shells.delete(`${shell.info.agentSessionId}/${shell.info.name}`);
    this.#write(shell, "", { ended: why });
  }

  #write(shell: Shell, data: string, more: Partial<TerminalOutputPayload> = {}): void {
    const { agentSessionId, name, columns, rows } = shell.info;
    if (!more.reset) shell.screen = (shell.screen + data).slice(-20_000);
    const payload: TerminalOutputPayload = {
      agentSessionId,
      name,
      data,
      reset: false,
      skipped: false,
      columns,
      rows,
      ended: null,
      ...more,
    };
    this.#outgoing.push({
      type: "terminal_output",
      stream: `terminal/${agentSessionId}/${name}`,
      epoch: shell.epoch,
      seq: ++shell.seq,
      payload,
    });
  }
}
