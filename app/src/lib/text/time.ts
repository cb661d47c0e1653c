import { t } from "../strings";
import { locale } from "../strings/language";

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
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short" }).format(then);
}

/** just now, 3 min ago, 2 h ago, then a date. */
export function ago(then: number, now: number): string {
  const age = now - then;
  return age < MINUTE ? t.time.justNow : age < 7 * DAY ? t.time.ago(relative(then, now)) : relative(then, now);
}

/** Date and time to the second, in the reader's own zone. */
export function exact(then: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(then);
}

/** The time of day. */
export function clock(then: number): string {
  return new Intl.DateTimeFormat(locale(), { timeStyle: "short" }).format(then);
}

/** The time of day, with the date when it was not today. Both in milliseconds. */
export function asOf(then: number, now: number): string {
  const sameDay = new Date(then).toDateString() === new Date(now).toDateString();
  return new Intl.DateTimeFormat(locale(), sameDay ? { timeStyle: "short" } : { dateStyle: "medium", timeStyle: "short" }).format(then);
}

/** 0:42, 12:03, 1:02:03. Negative counts as zero. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (n: number): string => n.toString().padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

/** 320 ms, 4.2 s, 3 min 5 s, 3 h 19 min, 2 d 4 h: two units at most, and none that is zero. */
export function duration(ms: number): string {
  const whole = Math.max(0, Math.round(ms));
  if (whole < 1000) return t.time.ms(whole);
  if (whole < MINUTE) return t.time.seconds((Math.floor(whole / 100) / 10).toFixed(1));
  const [large, small] =
    whole < HOUR
      ? [t.time.minutes(Math.floor(whole / MINUTE)), [Math.floor((whole % MINUTE) / 1000), t.time.wholeSeconds] as const]
      : whole < DAY
        ? [t.time.hours(Math.floor(whole / HOUR)), [Math.floor((whole % HOUR) / MINUTE), t.time.minutes] as const]
        : [t.time.days(Math.floor(whole / DAY)), [Math.floor((whole % DAY) / HOUR), t.time.hours] as const];
  return small[0] === 0 ? large : `${large} ${small[1](small[0])}`;
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
  return new Intl.NumberFormat(locale(), { notation: "compact", maximumFractionDigits: 1 }).format(count);
}
