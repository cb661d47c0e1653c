import type { UsageSum } from "../protocol/generated";
import { locale } from "../strings/language";
import { m } from "../strings/machine";

/** $12.40; below a cent as much as is seen: $0.0042. */
export function money(dollars: number): string {
  const small = dollars > 0 && dollars < 0.01;
  return new Intl.NumberFormat(locale(), {
    style: "currency",
    currency: "USD",
    currencyDisplay: "narrowSymbol",
    ...(small ? { maximumSignificantDigits: 2 } : { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
  }).format(dollars);
}

/** What is not known is said, never shown as nothing. */
export function costOf(sum: UsageSum): string {
  if (sum.costUsd === null) return m.usage.unknownCost;
  return sum.unpriced > 0 ? `${money(sum.costUsd)} ${m.usage.andUnknown}` : money(sum.costUsd);
}

/** 24 Nov, of a day as the machine names it (`yyyy-MM-dd`, UTC). */
export function dayName(day: string): string {
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short", timeZone: "UTC" }).format(Date.parse(`${day}T00:00:00Z`));
}
