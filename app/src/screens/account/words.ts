import { AccountError, type AccountErrorCode } from "$lib/accounts";
import { a } from "$lib/strings/account";

/** What to tell a person about something that went wrong with the account, and what to do next. */
export function explainAccount(error: unknown): string {
  if (!(error instanceof AccountError)) return a.failed; // this browser's own: its words are for developers
  return error.code === "too_fast" && error.wait !== null ? a.tooFast(error.wait) : a.errors[error.code];
}

/** Why the gateway does not connect this browser, by the refusal's code without what it begins with. Whoever forged one says nothing of their own. */
export function explainRefusal(code: string): string {
  if (code === "not_found") return a.bar.notFound;
  return Object.hasOwn(a.errors, code) ? a.errors[code as AccountErrorCode] : a.errors.garbled;
}
