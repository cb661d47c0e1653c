/**
 * The gateway's own codes (docs/accounts.md), and ours: it could not be reached, answered what is no answer, or has no accounts; this browser's authenticator has
 * a passkey already, or failed.
 */
const CODES = [
  "malformed",
  "weak_password",
  "wrong_name_or_password",
  "not_signed_in",
  "bad_proof",
  "stale_proof",
  "bad_link",
  "bad_passkey",
  "copied_passkey",
  "bad_service",
  "service_taken",
  "service_unreachable",
  "last_way_in",
  "forbidden",
  "not_found",
  "name_taken",
  "too_many",
  "too_fast",
  "unavailable",
] as const;

export type AccountErrorCode = (typeof CODES)[number] | "unreachable" | "garbled" | "none" | "passkey_exists" | "passkey_failed";

/** Everything that goes wrong with an account. Holds no token and none of the gateway's sentences. */
export class AccountError extends Error {
  readonly code: AccountErrorCode;
  /** Seconds until another try makes sense; null: nobody said. */
  readonly wait: number | null;

  constructor(code: AccountErrorCode, wait: number | null = null) {
    super(`account: ${code}`);
    this.name = "AccountError";
    this.code = code;
    this.wait = wait;
  }
}

/** A code of the gateway's; null: it is none that this app knows. */
export function readCode(value: unknown): AccountErrorCode | null {
  return CODES.find((code) => code === value) ?? null;
}
