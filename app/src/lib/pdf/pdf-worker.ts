// Reads a PDF and draws its pages, all within this worker: no document to reach, nothing of the page it works for, and it can be ended. The policy forbids
// code from text here too, and the reader asks for none: no eval, no WebAssembly, no scripts of the file, and nothing is fetched.
import { getDocument, type PDFDocumentProxy } from "pdfjs-dist/legacy/build/pdf.mjs";
import { WorkerMessageHandler } from "pdfjs-dist/legacy/build/pdf.worker.mjs";
import type { Answered, Asked } from "./messages";

const scope = globalThis as unknown as {
  pdfjsWorker: unknown;
  fonts?: FontFaceSet;
  onmessage: ((event: MessageEvent<Asked>) => void) | null;
  postMessage(answer: Answered, transfer?: Transferable[]): void;
};
scope.pdfjsWorker = { WorkerMessageHandler }; // so that it starts no worker of its own

/** Pixels of a page at most: what a phone has memory for. */
const MOST_PIXELS = 8_000_000;
const MOST_TEXT = 200_000;

interface Drawing {
  canvas: OffscreenCanvas | null;
  context: OffscreenCanvasRenderingContext2D | null;
}

class Canvases {
  create(width: number, height: number): Drawing {
    const canvas = new OffscreenCanvas(Math.max(1, width), Math.max(1, height));
    return { canvas, context: canvas.getContext("2d") };
  }

  reset({ canvas }: Drawing, width: number, height: number): void {
    if (canvas) [canvas.width, canvas.height] = [Math.max(1, width), Math.max(1, height)];
  }

  destroy(drawing: Drawing): void {
    if (drawing.canvas) drawing.canvas.width = drawing.canvas.height = 0;
    [drawing.canvas, drawing.context] = [null, null];
  }
}

/** The reader's filters are elements of a document, of which there is none here; pages are drawn without. */
class NoFilters {
  readonly #none = (): string => "none";
  addFilter = this.#none;
  addHCMFilter = this.#none;
  addAlphaFilter = this.#none;
  addLuminosityFilter = this.#none;
  addKnockoutFilter = this.#none;
  addHighlightHCMFilter = this.#none;
  addSelectionHCMFilter = this.#none;
  addSelectionFilter = this.#none;
  createSelectionStyle(): null {
    return null;
  }

  destroy(): void {}
}

let opened: PDFDocumentProxy | null = null;

async function open(data: Uint8Array<ArrayBuffer>): Promise<Answered> {
  try {
    opened = await getDocument({
      data,
      useWasm: false,
      useWorkerFetch: false,
      enableXfa: false,
      isEvalSupported: false,
      disableFontFace: scope.fonts === undefined,
      maxImageSize: 4 * MOST_PIXELS,
      canvasMaxAreaInBytes: 4 * MOST_PIXELS,
      verbosity: 0,
      CanvasFactory: Canvases,
      FilterFactory: NoFilters,
      ownerDocument: { fonts: scope.fonts } as unknown as HTMLDocument,
    } as Parameters<typeof getDocument>[0]).promise;
    return { pages: opened.numPages };
  } catch (error) {
    return { failed: error instanceof Error && error.name === "PasswordException" ? "password" : "damaged" };
  }
}

async function draw(number: number, width: number): Promise<Answered> {
  try {
    if (!opened) return { failed: "damaged" };
    const page = await opened.getPage(number);
    const size = page.getViewport({ scale: 1 });
    const scale = Math.min(width / size.width, Math.sqrt(MOST_PIXELS / (size.width * size.height)));
    const viewport = page.getViewport({ scale });
    const canvas = new OffscreenCanvas(Math.max(1, Math.floor(viewport.width)), Math.max(1, Math.floor(viewport.height)));
    const canvasContext = canvas.getContext("2d") as unknown as CanvasRenderingContext2D;
    await page.render({ canvas: null, canvasContext, viewport, background: "#ffffff" }).promise;
    const picture = new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
    const content = await page.getTextContent();
    const text = content.items
      .map((item) => ("str" in item ? `${item.str}${item.hasEOL ? "\n" : ""}` : ""))
      .join("")
      .slice(0, MOST_TEXT);
    page.cleanup();
    return { picture, text };
  } catch {
    return { failed: "damaged" };
  }
}

let before: Promise<unknown> = Promise.resolve();
scope.onmessage = ({ data }) => {
  if (!("open" in data || "page" in data)) return; // the reader's own
  before = before.then(async () => {
    const answer = "open" in data ? await open(data.open) : await draw(data.page, data.width);
    scope.postMessage(answer, "picture" in answer ? [answer.picture.buffer] : []);
  });
};
