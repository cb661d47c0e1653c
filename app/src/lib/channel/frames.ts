import { type Bytes, concat, utf8 } from "./bytes";
import type { CloseReason } from "./errors";

/** The first byte of a frame; a frame is one binary WebSocket message (docs/channel.md). */
export const FrameKind = { FirstHandshake: 1, SecondHandshake: 2, Sealed: 3, Close: 4, Letter: 5 } as const;

/** No handshake or close frame may be larger, in bytes. */
export const MAX_CONTROL_FRAME_BYTES = 4096;

const isReason = (value: unknown): value is CloseReason =>
  typeof value === "object" &&
  value !== null &&
  "code" in value &&
  typeof value.code === "string" &&
  /^[a-z0-9_]{1,64}$/.test(value.code) &&
  "message" in value &&
  typeof value.message === "string" &&
  value.message.length <= 512;

/** Undefined for anything but a well-formed close frame. */
export function parseClose(frame: Uint8Array): CloseReason | undefined {
  if (frame[0] !== FrameKind.Close || frame.length > MAX_CONTROL_FRAME_BYTES) return undefined;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(frame.subarray(1)));
    return isReason(value) ? { code: value.code, message: value.message } : undefined;
  } catch {
    return undefined;
  }
}

/** A close frame, so that the other end can show why. */
export const closeFrame = (reason: CloseReason): Bytes =>
  concat(Uint8Array.of(FrameKind.Close), utf8(JSON.stringify({ code: reason.code, message: reason.message })));
