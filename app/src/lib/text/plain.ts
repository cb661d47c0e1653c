/** Colours and "erase to the end of the line", as programs write them into their output (ECMA-48: SGR and EL). */
// eslint-disable-next-line no-control-regex
const STYLES = /\u001b\[[0-9;:]*[mK]/g;

/** A command's output without its colours, for showing as text. Everything else that does not show stays, to be marked; never used for what is decided on. */
export function withoutStyles(text: string): string {
  return text.replace(STYLES, "");
}
