import { RequestError } from "../client/errors";
import { explain } from "../text/words";
import { escapeToText } from "../text/escape";

/** Codes whose message says more than our own words do: git's or the file system's. */
const WITH_MESSAGE: ReadonlySet<string> = new Set([
  "GIT_ERROR",
  "GIT_CONFLICT",
  "GIT_AUTH_REQUIRED",
  "PERMISSION_DENIED",
  "INVALID_REQUEST",
  "STORAGE_FULL",
]);

/** What to tell a person about a failed request in a project. */
export function tell(error: unknown): string {
  if (!(error instanceof RequestError) || error.message === "" || error.message === error.code) return explain(error);
  const words = escapeToText(error.message, "block");
  if (error.code === "DAEMON_BUSY") return words;
  return WITH_MESSAGE.has(error.code) ? `${explain(error)} ${words}` : explain(error);
}
