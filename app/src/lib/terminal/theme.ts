import type { ITheme } from "@xterm/xterm";
import { colour } from "../design/colour";

/** The terminal's colours, from the tokens of the page as it looks now. */
export function terminalTheme(root: HTMLElement = document.documentElement): ITheme {
  const token = (name: string): string => colour(name, root);
  return {
    background: token("sunken"),
    foreground: token("text"),
    cursor: token("green"),
    cursorAccent: token("sunken"),
    selectionBackground: token("line-strong"),
    selectionForeground: token("text"),
    black: token("text-3"),
    brightBlack: token("text-3"),
    white: token("text-2"),
    brightWhite: token("text"),
    red: token("red-text"),
    brightRed: token("red"),
    green: token("green-text"),
    brightGreen: token("green"),
    yellow: token("amber-text"),
    brightYellow: token("amber"),
    blue: token("blue-text"),
    brightBlue: token("blue"),
    magenta: token("c-keyword"),
    brightMagenta: token("c-keyword"),
    cyan: token("c-type"),
    brightCyan: token("c-type"),
    scrollbarSliderBackground: token("line-strong"),
    scrollbarSliderHoverBackground: token("text-3"),
    scrollbarSliderActiveBackground: token("text-3"),
  };
}

/** Calls back whenever the page's look changes. */
export function onThemeChange(changed: () => void): () => void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(changed);
  system.addEventListener("change", changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  return () => {
    system.removeEventListener("change", changed);
    observer.disconnect();
  };
}
