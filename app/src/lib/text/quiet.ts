import type { QuietInfo } from "../protocol/generated";
import { t } from "../strings/all";
import { duration } from "./time";

const SECOND = 1000;
const MINUTE = 60 * SECOND;

export interface SilenceText {
  /** One line; stays the same while only time passes. */
  words: string;
  /** The running clock, or empty. */
  time: string;
  /** Whether something is wrong. */
  alarming: boolean;
}

/** Why a running turn shows nothing new, for people. `now` in milliseconds, by the machine's clock. */
export function quietWords(quiet: QuietInfo, now: number): SilenceText {
  const age = Math.max(0, now - Date.parse(quiet.since));
  const words = t.session.quiet;
  switch (quiet.kind) {
    case "starting":
      return { words: words.starting, time: ago(age), alarming: false };
    case "waiting":
      return { words: words.waiting, time: ago(age), alarming: false };
    case "tool":
      return { words: quiet.detail ?? words.tool, time: ago(age), alarming: false };
    case "retrying": {
      const left = quiet.nextAt == null ? 0 : Math.ceil((Date.parse(quiet.nextAt) - now) / SECOND);
      const attempt =
        quiet.attempt == null
          ? ""
          : quiet.maxAttempts == null
            ? words.attempt(quiet.attempt)
            : words.attemptOf(quiet.attempt, quiet.maxAttempts);
      return {
        words: words.retrying(quiet.detail ?? ""),
        time: [left > 0 ? words.again(left) : words.trying, attempt].filter((part) => part !== "").join(" "),
        alarming: true,
      };
    }
    case "network":
      return { words: words.network, time: ago(age), alarming: true };
    case "dead":
      return { words: words.dead, time: ago(age), alarming: true };
    case "silent":
      return { words: words.silent(quiet.detail ?? ""), time: ago(age), alarming: true };
    default:
      return { words: quiet.detail ?? words.thinking, time: age < 10 * SECOND ? "" : ago(age), alarming: false };
  }
}

function ago(ms: number): string {
  return ms < MINUTE ? t.time.wholeSeconds(Math.floor(ms / SECOND)) : duration(ms);
}
