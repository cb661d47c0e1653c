import { locale } from "./language";

const rules = new Intl.PluralRules("en");

/** The English form for a count: `plural(2, { one: "file", other: "files" })`. */
export function plural(count: number, forms: { one: string; other: string }): string {
  return rules.select(count) === "one" ? forms.one : forms.other;
}

/** "1 file", "7 files", with the reader's digits and separators. */
export function counted(count: number, forms: { one: string; other: string }): string {
  return `${number(count)} ${plural(count, forms)}`;
}

/** A number with the reader's digits and separators. */
export function number(count: number): string {
  return new Intl.NumberFormat(locale()).format(count);
}
