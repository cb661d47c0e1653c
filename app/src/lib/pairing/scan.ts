/** Reads QR codes from pictures of the camera; null: there is none in this one. */
export interface Decoder {
  read(video: HTMLVideoElement): Promise<string | null>;
}

/** Why there is no picture: refused by the person or a policy, no camera, a camera that another program has, or anything else. */
export type NoCamera = "refused" | "none" | "busy" | "failed";

export class CameraError extends Error {
  readonly why: NoCamera;

  constructor(why: NoCamera) {
    super(why);
    this.why = why;
  }
}

/** Pause between two pictures that are looked at. */
const EVERY_MS = 150;
/** The longer side of a picture that is looked at, in pixels: a code of this size fills a good part of it. */
const SIDE = 800;
/** The camera goes off by itself after so long. */
export const LIMIT_MS = 120_000;

interface BarcodeDetectorLike {
  detect(source: CanvasImageSource): Promise<{ readonly rawValue: string }[]>;
}
interface BarcodeDetectorClass {
  new (options: { formats: string[] }): BarcodeDetectorLike;
  getSupportedFormats(): Promise<string[]>;
}

/** A link of the form that the machine prints, and nothing beside it: `http(s)://host/#pair=` and 120 characters. What is in it is checked as of a pasted one. */
export function isPairingLink(text: string): boolean {
  return text.length < 600 && /^https?:\/\/[^\s#@/?]+\/?#pair=[\w-]{120}$/.test(text);
}

/** The browser's own reader where it has one for QR codes, else ours, which is fetched now. */
export async function decoder(): Promise<Decoder> {
  const own = (globalThis as { BarcodeDetector?: BarcodeDetectorClass }).BarcodeDetector;
  const formats = await own?.getSupportedFormats().catch((): string[] => []);
  if (own && formats?.includes("qr_code")) {
    const detector = new own({ formats: ["qr_code"] });
    return { read: async (video) => (await detector.detect(video))[0]?.rawValue ?? null };
  }
  const { default: decodeQR } = await import("qr/decode.js");
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d", { willReadFrequently: true });
  return {
    read: (video) => {
      const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
      canvas.width = Math.round(video.videoWidth * scale);
      canvas.height = Math.round(video.videoHeight * scale);
      if (!context || canvas.width === 0 || canvas.height === 0) return Promise.resolve(null);
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height);
      try {
        return Promise.resolve(decodeQR({ data, width, height }));
      } catch {
        return Promise.resolve(null); // that is how it says that there is none
      }
    },
  };
}

/**
 * Looks through the camera until `found` says that it is done, `signal` ends it, the page is hidden, or two minutes are over. The camera is off whenever this
 * has resolved or rejected. True: `found` was satisfied. @throws CameraError
 */
export async function scan(
  video: HTMLVideoElement,
  signal: AbortSignal,
  found: (text: string) => boolean,
  make: () => Promise<Decoder> = decoder,
): Promise<boolean> {
  if (signal.aborted) return false;
  let stream: MediaStream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" }, audio: false });
  } catch (error) {
    throw new CameraError(reasonOf(error));
  }
  const stop = new AbortController();
  const off = (): void => stop.abort();
  const hidden = (): void => {
    if (document.visibilityState === "hidden") off();
  };
  const limit = setTimeout(off, LIMIT_MS);
  signal.addEventListener("abort", off);
  document.addEventListener("visibilitychange", hidden);
  addEventListener("pagehide", off);
  try {
    // It may have been left while the person was asked.
    if (signal.aborted || document.visibilityState === "hidden") return false;
    const reader = await make();
    video.srcObject = stream;
    await video.play().catch(() => undefined); // it was taken away meanwhile
    while (!stop.signal.aborted) {
      const text = await reader.read(video).catch(() => null); // no picture yet
      if (stop.signal.aborted) return false;
      if (text !== null && found(text)) return true;
      await pause(EVERY_MS, stop.signal);
    }
    return false;
  } finally {
    clearTimeout(limit);
    signal.removeEventListener("abort", off);
    document.removeEventListener("visibilitychange", hidden);
    removeEventListener("pagehide", off);
    video.srcObject = null;
    for (const track of stream.getTracks()) track.stop();
  }
}

function reasonOf(error: unknown): NoCamera {
  const name = error instanceof Error ? error.name : "";
  if (name === "NotAllowedError" || name === "SecurityError") return "refused";
  if (name === "NotFoundError" || name === "OverconstrainedError") return "none";
  return name === "NotReadableError" || name === "AbortError" ? "busy" : "failed";
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
  });
}
