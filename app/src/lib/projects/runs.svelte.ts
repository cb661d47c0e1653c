import type { CommandExitPayload, CommandFavourite, CommandOutputPayload, CommandRunInfo } from "../protocol/generated";
import { uuid7 } from "../ids/uuid7";
import { RequestError } from "../client/errors";
import { escapeToText } from "../text/escape";
import { p } from "../strings/project";
import type { Workspace } from "../stores/workspace.svelte";
import { NotDone, type Consent } from "./consent.svelte";
import { DEFAULT_SECONDS, type RunOptions } from "./run-options";
import { tell } from "./tell";

/** A piece of output as it came. `skipped`: bytes that are left out before it. */
export interface Piece {
  readonly error: boolean;
  readonly text: string;
  readonly skipped: number;
}

/** Characters of a run's output that are kept to be shown; the machine keeps all of it. */
const SHOWN = 200_000;
const PAGE = 256 * 1024;

/** The output of one run: followed while it runs, read again where it was after a lost connection. */
export class RunOutput {
  readonly #workspace: Workspace;
  readonly #changed: (run: CommandRunInfo) => void;
  readonly runId: string;
  #next = 0;
  #leave: (() => void) | null = null;

  pieces = $state.raw<readonly Piece[]>([]);
  /** There is more to be read after what is shown. */
  more = $state(false);
  problem = $state("");

  constructor(workspace: Workspace, runId: string, changed: (run: CommandRunInfo) => void) {
    this.#workspace = workspace;
    this.#changed = changed;
    this.runId = runId;
  }

  /** `fresh`: it is about to be started on this connection, and what it writes comes by itself. */
  follow(fresh: boolean): void {
    let own = fresh;
    this.#leave ??= this.#workspace.client.listen(`run/${this.runId}`, {
      connected: () => {
        if (own) own = false;
        else void this.#read(true);
      },
      disconnected: () => undefined,
      message: (envelope) => {
        if (envelope.type === "command_output") this.#add(envelope.payload as CommandOutputPayload);
        else if (envelope.type === "command_exit") {
          this.#changed((envelope.payload as CommandExitPayload).run);
          this.stop();
        }
      },
    });
  }

  stop(): void {
    this.#leave?.();
    this.#leave = null;
  }

  /** What is on the machine after what is shown. */
  readMore(): Promise<void> {
    return this.#read(false);
  }

  async #read(follow: boolean): Promise<void> {
    try {
      const answer = await this.#workspace.client.request("command_read", { runId: this.runId, offset: this.#next, limit: PAGE, follow });
      this.#changed(answer.run);
      const fresh = answer.chunks.filter((chunk) => chunk.offset >= this.#next);
      this.#append(fresh.map((chunk) => ({ error: chunk.error, text: chunk.text, skipped: 0 })));
      this.#next = Math.max(this.#next, answer.next);
      this.more = answer.next < answer.kept;
      this.problem = "";
      if (answer.run.state !== "running") this.stop();
    } catch (error) {
      this.problem = tell(error);
    }
  }

  #add(output: CommandOutputPayload): void {
    if (output.offset < this.#next) return; // it came with what was read
    this.#next = output.next;
    const skipped = output.skipped ?? 0;
    this.#append([{ error: output.stdoutChunk === null, text: output.stdoutChunk ?? output.stderrChunk ?? "", skipped }]);
  }

  #append(fresh: readonly Piece[]): void {
    const all = [...this.pieces, ...fresh];
    let size = all.reduce((sum, piece) => sum + piece.text.length, 0);
    while (all.length > 1 && size > SHOWN) {
      const [first] = all.splice(0, 1);
      size -= first?.text.length ?? 0;
      const [now] = all;
      if (first && now) all[0] = { ...now, skipped: now.skipped + first.skipped + first.text.length };
    }
    this.pieces = all;
  }
}

/** A project's one-shot commands: those that ran, those that are run often, and the one that runs now. */
export class Runs {
  readonly #workspace: Workspace;
  readonly #consent: Consent;
  readonly projectId: string;
  readonly #outputs = new Map<string, RunOutput>();

  list = $state.raw<readonly CommandRunInfo[] | null>(null);
  more = $state(false);
  favourites = $state.raw<readonly CommandFavourite[]>([]);
  problem = $state("");
  /** The run whose output is shown. */
  open = $state<string | null>(null);

  constructor(workspace: Workspace, consent: Consent, projectId: string) {
    this.#workspace = workspace;
    this.#consent = consent;
    this.projectId = projectId;
  }

  async read(before: string | null = null): Promise<void> {
    const { projectId } = this;
    try {
      const answer = await this.#workspace.client.request("command_runs_list", { projectId, ...(before === null ? {} : { before }) });
      this.list = before === null ? answer.runs : [...(this.list ?? []), ...answer.runs];
      this.more = answer.more;
      if (before === null) this.favourites = (await this.#workspace.client.request("command_favourites_get", { projectId })).favourites;
      this.problem = "";
    } catch (error) {
      this.problem = tell(error);
    }
  }

  output(runId: string): RunOutput {
    const known = this.#outputs.get(runId);
    if (known) return known;
    const made = new RunOutput(this.#workspace, runId, (run) => this.#put(run));
    this.#outputs.set(runId, made);
    return made;
  }

  /** Shows a run's output, following it when it still runs. */
  show(run: CommandRunInfo): void {
    this.open = this.open === run.runId ? null : run.runId;
    const output = this.output(run.runId);
    if (this.open !== null && output.pieces.length === 0) {
      if (run.state === "running") output.follow(false);
      else void output.readMore();
    }
  }

  /** True when the machine took it. */
  async run(command: string, options: RunOptions = {}): Promise<boolean> {
    const runId = uuid7();
    const { projectId } = this;
    const output = this.output(runId);
    output.follow(true);
    this.problem = "";
    try {
      const answer = await this.#consent.ask("command_exec", { runId, projectId, command, ...options });
      if (answer === null) {
        // The project's rules asked, and the machine began it once it was allowed.
        output.stop();
        await this.read();
        const begun = this.list?.find((run) => run.runId === runId);
        if (begun) this.show(begun);
        return true;
      }
      const ended = this.list?.find((run) => run.runId === runId); // its end may have come before the answer
      if (!ended) this.#put(answer.run);
      this.open = runId;
      return true;
    } catch (error) {
      output.stop();
      const rule = error instanceof RequestError && error.code === "UNAUTHORIZED" ? error.details.rule : undefined;
      this.problem = error instanceof NotDone ? error.message : rule !== undefined ? p.runs.ruledOut(escapeToText(rule)) : tell(error);
      return false;
    }
  }

  async cancel(runId: string): Promise<void> {
    try {
      this.#put((await this.#workspace.client.request("command_cancel", { targetRequestId: runId })).run);
    } catch (error) {
      this.problem = tell(error);
    }
  }

  isFavourite(command: string): boolean {
    return this.favourites.some((favourite) => favourite.command === command);
  }

  /** Keeps a command with its folder and time limit for everybody who may run it, or forgets it again. Variables and input are not kept: they may hold secrets. */
  async favour({ command, cwd, timeoutSeconds }: Pick<CommandRunInfo, "command" | "cwd" | "timeoutSeconds">): Promise<void> {
    const kept = {
      name: command.slice(0, 60),
      command,
      ...(cwd === null ? {} : { cwd }),
      ...(timeoutSeconds === DEFAULT_SECONDS ? {} : { timeoutSeconds }),
    };
    const favourites = this.isFavourite(command)
      ? this.favourites.filter((favourite) => favourite.command !== command)
      : [...this.favourites, kept];
    try {
      this.favourites = (
        await this.#workspace.client.request("command_favourites_set", { projectId: this.projectId, favourites: [...favourites] })
      ).favourites;
    } catch (error) {
      this.problem = tell(error);
    }
  }

  leave(): void {
    for (const output of this.#outputs.values()) output.stop();
    this.#outputs.clear();
    this.open = null;
  }

  #put(run: CommandRunInfo): void {
    const list = this.list ?? [];
    this.list = list.some((other) => other.runId === run.runId)
      ? list.map((other) => (other.runId === run.runId ? run : other))
      : [run, ...list];
  }
}
