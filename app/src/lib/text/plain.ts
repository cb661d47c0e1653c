/**
 * What programs write for a terminal's sake and a text does not show (ECMA-48 and xterm): colours, "erase to the end of the line", titles, links and marks (OSC),
 * a cursor hidden, shown or at another place to be saved. A sequence that has no end within 2,000 characters is none.
 */
// eslint-disable-next-line no-control-regex
const STYLES = /\u001b(?:\[[0-9;:]*[mK]|\[\?[0-9;]*[hl]|[78=>]|\][^\u0007\u001b]{0,2000}(?:\u0007|\u001b\\))/g;

/**
 * A command's output without its colours and titles, for showing as text. Everything else that does not show stays, to be marked; never used for what is decided
 * on.
 */
export function withoutStyles(text: string): string {
  return text.replace(STYLES, "");
}
