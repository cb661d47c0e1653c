import type { ErrorCode } from "../protocol/generated";

/** `OFFLINE`: not sent, or the connection ended before the answer. `TIMEOUT`: sent, no answer in time. The outcome of both is unknown. */
export type RequestErrorCode = ErrorCode | "OFFLINE" | "TIMEOUT";

/** A request that got no result. The message is for people. */
export class RequestError extends Error {
  readonly code: RequestErrorCode;
  readonly details: Readonly<Record<string, string>>;

  constructor(code: RequestErrorCode, message: string, details: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = "RequestError";
    this.code = code;
    this.details = details;
  }

  /** The same request may succeed later, and nobody has decided about it. */
  get transient(): boolean {
    return TRANSIENT.has(this.code);
  }
}

const TRANSIENT: ReadonlySet<RequestErrorCode> = new Set(["OFFLINE", "TIMEOUT", "RATE_LIMITED", "UNAVAILABLE", "UNKNOWN_ERROR"]);
