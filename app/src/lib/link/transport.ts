import type { ErrorCode } from "../protocol/generated";

/** The encrypted channel as the link needs it. One instance lives as long as one connection. */
export interface SecureTransport {
  /** The first frame to send. */
  begin(): Promise<Uint8Array>;
  /** Takes the machine's answer to the first frame. Rejects when it is not the machine it should be. */
  complete(frame: Uint8Array): Promise<void>;
  /** Calls keep their order: frames come out in the order the messages went in. */
  seal(message: Uint8Array): Promise<readonly Uint8Array[]>;
  /** A whole message, or null while more fragments are needed. Rejects on anything forged, replayed or broken; the connection is dead then. */
  open(frame: Uint8Array): Promise<Uint8Array | null>;
}

/** The part of a WebSocket the link uses; the development machine stands in for it. */
export interface Socket {
  binaryType: BinaryType;
  readonly bufferedAmount: number;
  /** 0 connecting, 1 open, 2 closing, 3 closed. */
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent<unknown>) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  onerror: ((event: Event) => void) | null;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

/** First bytes of frames (docs/channel.md). */
export const FrameKind = { handshake2: 0x02, sealed: 0x03, close: 0x04 } as const;

/** Why the machine (or whoever answers in its place) turned us away. `proved`: it came through the encrypted channel. */
export interface Refusal {
  readonly code: ErrorCode | string;
  readonly message: string;
  readonly proved: boolean;
}

/** What opening a socket ends with when somebody said why there is none. */
export interface TurnedAway extends Error {
  readonly refusal: Refusal;
}
