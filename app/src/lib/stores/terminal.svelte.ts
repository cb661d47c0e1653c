import type { Client } from "../client/client";
import { RequestError } from "../client/errors";
import { Limits, type Envelope, type TerminalInfo, type TerminalOutputPayload } from "../protocol/generated";
import { portions } from "../terminal/keys";

/** What draws. Calls come in order; `drawn` is called when the text is on the screen. */
export interface Surface {
  /** Empty, of this size. */
  reset(columns: number, rows: number): void;
  resize(columns: number, rows: number): void;
  write(text: string, drawn: () => void): void;
}

/** `none`: it isn't open, and this device may not open it. */
export type TerminalState = "opening" | "live" | "offline" | "ended" | "none" | "failed";

/** Acknowledged this often, in UTF-16 units: well before the machine's window is full. */
const ACKNOWLEDGE_EVERY = Limits.terminalWindow / 4;
/** Making a sandbox may take a while. */
const OPEN_LIMIT_MS = 40_000;
/** UTF-16 units of keys a message: at most four bytes of UTF-8 each. */
const KEYS_AT_ONCE = Limits.terminalInputBytes / 4;

/** One terminal as this device sees it: attaches, draws in order, acknowledges what is drawn, types. Comes back by itself after a reconnect. */
export class TerminalStore {
  readonly agentSessionId: string;
  readonly name: string;
  readonly #client: Client;
  readonly #surface: Surface;
  readonly #stop: () => void;
  #epoch = "";
  #seq = 0;
  #drawnSeq = 0;
  #undeclared = 0;
  #held: { readonly epoch: string; readonly seq: number; readonly output: TerminalOutputPayload }[] = [];
  #wanted: { columns: number; rows: number };
  #closed = false;
  readonly #directory: string | null;
  readonly #mayOpen: boolean;

  state = $state<TerminalState>("opening");
  info = $state.raw<TerminalInfo | null>(null);
  problem = $state.raw<RequestError | null>(null);
  /** Why it ended, in the machine's words. Untrusted. */
  ended = $state<string | null>(null);
  mayType = $state(false);
  paused = $state(false);
  /** UTF-16 units that came while paused. */
  behind = $state(0);
  /** Output was left out because this device was too slow; the screen was drawn anew. */
  skipped = $state(false);
  columns = $state(0);
  rows = $state(0);

  /** @param directory where a new one begins; null: the project */
  constructor(
    client: Client,
    surface: Surface,
    agentSessionId: string,
    name: string,
    size: { columns: number; rows: number },
    mayOpen: boolean,
    directory: string | null = null,
  ) {
    this.#client = client;
    this.#surface = surface;
    this.agentSessionId = agentSessionId;
    this.name = name;
    this.#wanted = size;
    this.#mayOpen = mayOpen;
    this.#directory = directory;
    this.#stop = client.listen(`terminal/${agentSessionId}/${name}`, {
      message: (envelope) => this.#hear(envelope),
      connected: () => void this.attach(),
      disconnected: () => {
        if (this.state !== "ended") this.state = "offline";
      },
    });
  }

  /** Opens it when there is none and this device may, and looks at it from now on. */
  async attach(history: number = 1000): Promise<void> {
    if (this.#closed || this.state === "ended") return;
    this.problem = null;
    const { agentSessionId, name } = this;
    try {
      if (this.#mayOpen)
        await this.#client.request(
          "terminal_open",
          { agentSessionId, name, ...this.#wanted, workingDirectory: this.#directory },
          OPEN_LIMIT_MS,
        );
      const { terminal, mayType } = await this.#client.request("terminal_attach", { agentSessionId, name, ...this.#wanted, history });
      this.info = terminal;
      this.mayType = mayType;
      if (this.state !== ("ended" as TerminalState)) this.state = "live";
    } catch (error) {
      this.#failed(error, true);
    }
  }

  /** Opens it anew after its end. */
  async again(): Promise<void> {
    this.state = "opening";
    this.ended = null;
    this.skipped = false;
    await this.attach();
  }

  type(keys: string): void {
    if (!this.mayType || this.state !== "live") return;
    if (this.paused) this.resume();
    const { agentSessionId, name } = this;
    for (const data of portions(keys, KEYS_AT_ONCE)) {
      this.#client.request("terminal_input", { agentSessionId, name, data }).catch((error: unknown) => this.#failed(error, false));
    }
  }

  /** This device shows so much now. */
  resize(columns: number, rows: number): void {
    if (columns === this.#wanted.columns && rows === this.#wanted.rows) return;
    this.#wanted = { columns, rows };
    if (!this.mayType || this.state !== "live") return;
    this.#client
      .request("terminal_resize", { agentSessionId: this.agentSessionId, name: this.name, columns, rows })
      .catch((error: unknown) => this.#failed(error, false));
  }

  /** What comes is kept and not drawn; the machine stops sending soon after. */
  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.behind = 0;
    for (const { epoch, seq, output } of this.#held.splice(0)) this.#draw(epoch, seq, output);
  }

  /** Ends it with what runs in it. */
  async end(): Promise<void> {
    await this.#client.request("terminal_close", { agentSessionId: this.agentSessionId, name: this.name });
  }

  /** Stops looking; the terminal goes on. */
  close(): void {
    this.#closed = true;
    this.#stop();
    if (this.state === "live")
      this.#client.request("terminal_detach", { agentSessionId: this.agentSessionId, name: this.name }).catch(() => undefined); // ends with the connection at the latest
  }

  #hear(envelope: Envelope): void {
    const { epoch, seq } = envelope;
    const output = envelope.payload as TerminalOutputPayload;
    if (epoch === null || seq === null || this.#closed) return;
    if (output.reset) {
      this.#held = [];
      this.behind = 0;
      this.#epoch = epoch;
    } else if (epoch !== this.#epoch) {
      return; // of an attach before this one
    } else if (seq !== this.#seq + 1) {
      void this.attach(); // something is missing: begin anew
      return;
    }
    this.#seq = seq;
    if (this.paused && !output.ended) {
      this.#held.push({ epoch, seq, output });
      this.behind += output.data.length;
      return;
    }
    if (this.paused) this.resume();
    this.#draw(epoch, seq, output);
  }

  #draw(epoch: string, seq: number, output: TerminalOutputPayload): void {
    if (output.reset) {
      this.#surface.reset(output.columns, output.rows);
      this.skipped = output.skipped;
      this.#undeclared = 0;
    } else if (output.columns !== this.columns || output.rows !== this.rows) {
      this.#surface.resize(output.columns, output.rows);
    }
    this.columns = output.columns;
    this.rows = output.rows;
    this.#surface.write(output.data, () => this.#drawn(epoch, seq, output.data.length));
    if (output.ended) {
      this.ended = output.ended;
      this.state = "ended";
    }
  }

  #drawn(epoch: string, seq: number, length: number): void {
    if (epoch !== this.#epoch || this.#closed) return;
    this.#drawnSeq = seq;
    this.#undeclared += length;
    if (this.#undeclared < ACKNOWLEDGE_EVERY || this.state === "ended") return;
    this.#undeclared = 0;
    this.#client
      .request("terminal_ack", { agentSessionId: this.agentSessionId, name: this.name, epoch, seq: this.#drawnSeq })
      .catch(() => undefined); // a lost one is made good by the next
  }

  /** @param whole the terminal itself can't be had, not only one action */
  #failed(error: unknown, whole: boolean): void {
    if (!(error instanceof RequestError) || this.#closed) return;
    if (error.code === "OFFLINE") {
      if (this.state !== "ended") this.state = "offline";
      return;
    }
    if (error.code === "TERMINAL_NOT_FOUND" && this.state === "ended") return;
    if (error.code === "TERMINAL_NOT_FOUND" && whole && !this.#mayOpen) {
      this.state = "none";
      return;
    }
    this.problem = error;
    if (whole) this.state = "failed";
  }
}
