import type { Answered, Asked } from "./messages";

/** A worker that reads one PDF, as far as it is used here. */
export interface Reader {
  postMessage(asked: Asked, transfer?: Transferable[]): void;
  terminate(): void;
  onmessage: ((event: MessageEvent<Answered>) => void) | null;
  onerror: ((event: ErrorEvent) => void) | null;
}

/** How long opening a file or drawing a page may take: a file can be made to take for ever. */
export const LIMIT_MS = 20_000;
/** Device pixels of a page's width: sharp on a phone, and when it is enlarged. */
const WIDTH = 1400;

export type PdfProblem = "password" | "damaged" | "slow" | "missing";

/** A PDF's pages as pictures, one at a time. */
export class PdfPages {
  readonly #start: () => Reader;
  #reader: Reader | null = null;
  #waiting: ((answer: Answered | PdfProblem) => void) | null = null;
  #wanted = 0;
  #busy = false;

  /** 0: not known yet. */
  pages = $state(0);
  page = $state(0);
  picture = $state.raw<Uint8Array<ArrayBuffer> | null>(null);
  /** The words of the page. */
  text = $state("");
  problem = $state<PdfProblem | null>(null);

  constructor(start: () => Reader) {
    this.#start = start;
  }

  /** `content` is copied. */
  async open(content: Uint8Array<ArrayBuffer>): Promise<void> {
    this.close();
    this.problem = null;
    const answer = await this.#ask({ open: content.slice() });
    if (typeof answer === "string") this.problem = answer;
    else if ("failed" in answer) this.problem = answer.failed;
    else if ("pages" in answer) {
      this.pages = answer.pages;
      await this.show(1);
    }
  }

  /** Draws a page; when another one is asked for meanwhile, only the last one that was asked for. */
  async show(page: number): Promise<void> {
    if (page < 1 || page > this.pages) return;
    this.#wanted = page;
    if (this.#busy) return;
    this.#busy = true;
    while (this.page !== this.#wanted) {
      const wanted = this.#wanted;
      const answer = await this.#ask({ page: wanted, width: WIDTH });
      if (typeof answer === "string") {
        this.problem = answer;
        break;
      }
      if ("picture" in answer) [this.picture, this.text] = [answer.picture, answer.text];
      // A damaged page is passed over, so that the others can be seen.
      else [this.picture, this.text] = [null, ""];
      this.page = wanted;
    }
    this.#busy = false;
  }

  close(): void {
    this.#reader?.terminate();
    this.#reader = null;
    this.#waiting = null;
    this.#busy = false;
    [this.pages, this.page, this.picture, this.text] = [0, 0, null, ""];
  }

  #ask(asked: Asked): Promise<Answered | PdfProblem> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => end("slow"), LIMIT_MS);
      const end = (answer: Answered | PdfProblem): void => {
        clearTimeout(timer);
        this.#waiting = null;
        if (typeof answer === "string") {
          this.#reader?.terminate();
          this.#reader = null;
        }
        resolve(answer);
      };
      this.#waiting = end;
      if (this.#reader === null) {
        if ("page" in asked) return end("damaged");
        this.#reader = this.#start();
        this.#reader.onmessage = ({ data }) => {
          if ("pages" in data || "picture" in data || "failed" in data) this.#waiting?.(data);
        };
        this.#reader.onerror = () => this.#waiting?.("missing");
      }
      this.#reader.postMessage(asked, "open" in asked ? [asked.open.buffer] : []);
    });
  }
}
