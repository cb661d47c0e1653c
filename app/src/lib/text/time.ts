import { t } from "../strings";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** "now", "4 min", "3 h", "2 d"; older than a week: the date. Both times in milliseconds. */
export function relative(then: number, now: number): string {
  const age = Math.max(0, now - then);
  if (age < MINUTE) return t.time.now;
  if (age < HOUR) return t.time.minutes(Math.floor(age / MINUTE));
  if (age < DAY) return t.time.hours(Math.floor(age / HOUR));
  if (age < 7 * DAY) return t.time.days(Math.floor(age / DAY));
  return new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" }).format(then);
}

/** Date and time to the second, in the reader's own zone. */
export function exact(then: number): string {
  return new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" }).format(then);
}

/** The time of day. */
export function clock(then: number): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: "short" }).format(then);
}

/** 0:42, 12:03, 1:02:03. Negative counts as zero. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number): string => n.toString().padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** 320 ms, 4.2 s, 3 min 5 s. */
export function duration(ms: number): string {
  if (ms < 1000) return t.time.ms(Math.max(0, Math.round(ms)));
  if (ms < MINUTE) return t.time.seconds((ms / 1000).toFixed(1));
  return t.time.minutesSeconds(Math.floor(ms / MINUTE), Math.floor((ms % MINUTE) / 1000));
}

/** 900 B, 1.2 KB, 3.4 MB (powers of 1000). */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} KB`;
  if (count < 1_000_000_000) return `${(count / 1_000_000).toFixed(1)} MB`;
  return `${(count / 1_000_000_000).toFixed(1)} GB`;
}

/** 950, 12.3k, 1.2M. */
export function compact(count: number): string {
  return new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 }).format(count);
}
