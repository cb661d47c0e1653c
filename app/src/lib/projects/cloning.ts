import type { CloneInfo } from "../protocol/generated";
import { RequestError } from "../client/errors";
import { m } from "../strings/machine";
import { escapeToText } from "../text/escape";
import { explain } from "../text/words";

/** What a repository is probably called: the last part of its address; empty when nothing of it can be a folder's name. */
export function nameOf(address: string): string {
  const last =
    address
      .trim()
      .replace(/[?#].*$/u, "")
      .replace(/\/+$/u, "")
      .split(/[/:]/u)
      .at(-1) ?? "";
  return last
    .replace(/\.git$/iu, "")
    .replace(/^[.\s]+/u, "")
    .slice(0, 100);
}

/** The host whose token is missing, as `pocketcoder git-token set` takes it; null where it is another credential. */
export function tokenHost(clone: Pick<CloneInfo, "address" | "error">): string | null {
  if (clone.error?.code !== "GIT_AUTH_REQUIRED") return null;
  const place = /^https:\/\/(?:[^@/]*@)?([a-z0-9.-]+(?::\d{1,5})?)\//iu.exec(clone.address)?.[1];
  return place === undefined ? null : place.toLowerCase();
}

/** Codes whose message says what our own words can't know: which host, which file. */
const WITH_MESSAGE: ReadonlySet<string> = new Set(["GIT_AUTH_REQUIRED", "GIT_ERROR", "INVALID_REQUEST", "PERMISSION_DENIED"]);

/** Why a clone did not begin, or failed. */
export function whyNot(error: unknown): string {
  if (!(error instanceof RequestError)) return explain(error);
  const known: Readonly<Record<string, string>> = m.clone.errors;
  const own = known[error.details["reason"] ?? ""] ?? known[error.code];
  if (own === undefined) return explain(error);
  return WITH_MESSAGE.has(error.code) && error.message !== "" && error.message !== error.code
    ? `${own} ${escapeToText(error.message, "block")}`
    : own;
}
