/** Everything that can go wrong in this library; the names are those of the C# side (ChannelErrors.Code). */
export type ChannelErrorCode =
  | "malformed"
  | "too_large"
  | "replayed"
  | "out_of_order"
  | "corrupt"
  | "poisoned"
  | "exhausted"
  | "closed_by_peer"
  | "handshake_failed"
  | "bad_key"
  | "unsupported_version"
  | "link_malformed"
  | "link_version"
  | "identity_malformed"
  | "field_invalid";

/** What a close frame says. Nobody vouches for it: show it (escaped), act on nothing in it. */
export interface CloseReason {
  /** A snake_case word, at most 64 characters: unknown_device, revoked_device, pairing_refused, … */
  readonly code: string;
  /** For people, at most 512 UTF-16 units. */
  readonly message: string;
}

/** The one error of this library for expected failures. Its message never contains keys, secrets or plaintext. */
export class ChannelError extends Error {
  override readonly name = "ChannelError";

  constructor(
    readonly code: ChannelErrorCode,
    message: string,
    /** With `closed_by_peer`: what the close frame said. */
    readonly peerReason?: CloseReason,
  ) {
    super(`${code}: ${message}`);
  }
}
