declare module "pdfjs-dist/legacy/build/pdf.worker.mjs" {
  /** What reads a PDF; given to the library as it is. */
  export const WorkerMessageHandler: unknown;
}
