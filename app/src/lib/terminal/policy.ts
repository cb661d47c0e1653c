import type { Terminal } from "@xterm/xterm";

/**
 * xterm.js writes style elements and style attributes, which the page's policy (style-src 'self', without unsafe-inline) forbids. The same rules are
 * allowed as constructed style sheets and through the style object. So while it opens, the page's document gives it elements whose text goes into such a
 * sheet; and spans, of which it draws its rows, take a style attribute through their style object.
 */
export function openUnderPolicy(terminal: Terminal, element: HTMLElement): void {
  takeStyleAttributes();
  const real = element.ownerDocument;
  const create = (name: string, options?: ElementCreationOptions): HTMLElement =>
    name === "style"
      ? styleCarrier(Document.prototype.createElement.call(real, "span"))
      : Document.prototype.createElement.call(real, name, options);
  Object.defineProperty(real, "createElement", { value: create, configurable: true, writable: true });
  try {
    terminal.open(element);
  } finally {
    Reflect.deleteProperty(real, "createElement");
  }
}

let taken = false;

/** The same to whoever looks at the element afterwards, but without the permission that the attribute needs. */
export function takeStyleAttributes(): void {
  if (taken) return;
  taken = true;
  let within = false; // an engine may itself set the attribute to keep the style object
  HTMLSpanElement.prototype.setAttribute = function (this: HTMLSpanElement, key: string, value: string): void {
    if (key !== "style" || within) {
      Element.prototype.setAttribute.call(this, key, value);
      return;
    }
    within = true;
    this.style.cssText = value;
    within = false;
  };
}

/** Looks like a style element to whoever sets its text; the rules go into a sheet of the document. */
export function styleCarrier(element: HTMLElement): HTMLElement {
  const sheet = new CSSStyleSheet();
  const sheets = element.ownerDocument;
  sheets.adoptedStyleSheets = [...sheets.adoptedStyleSheets, sheet];
  element.hidden = true;
  Object.defineProperty(element, "textContent", { set: (rules: string) => sheet.replaceSync(rules), get: () => "" });
  element.remove = () => {
    sheets.adoptedStyleSheets = sheets.adoptedStyleSheets.filter((other) => other !== sheet);
    Element.prototype.remove.call(element);
  };
  return element;
}
