import type { Terminal } from "@xterm/xterm";

/**
 * xterm.js writes style elements and style attributes, which the page's policy (style-src 'self', without unsafe-inline) forbids. The same
 * rules are allowed as constructed style sheets and through the style object, so it gets a document whose elements do that instead.
 */
export function policyDocument(real: Document): Document {
  const create = (name: string, options?: ElementCreationOptions): HTMLElement => elementFor(real, name, options);
  return new Proxy(real, {
    get(target, key) {
      if (key === "createElement") return create;
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === "function" ? (value as (...args: unknown[]) => unknown).bind(target) : value;
    },
  });
}

/** Opens a terminal that was made with `documentOverride: policyDocument(document)`. A part of xterm.js asks the page's own document, so that one stands in meanwhile. */
export function openUnderPolicy(terminal: Terminal, element: HTMLElement): void {
  const real = element.ownerDocument;
  const prototype = Document.prototype.createElement;
  const create = (name: string, options?: ElementCreationOptions): HTMLElement => elementFor(real, name, options, prototype);
  Object.defineProperty(real, "createElement", { value: create, configurable: true, writable: true });
  try {
    terminal.open(element);
  } finally {
    Reflect.deleteProperty(real, "createElement");
  }
}

function elementFor(real: Document, name: string, options?: ElementCreationOptions, create: Document["createElement"] = Document.prototype.createElement): HTMLElement {
  if (name === "style") return styleCarrier(create.call(real, "span"));
  const element = create.call(real, name, options);
  if (name === "span" || name === "div") {
    let within = false; // an engine may itself set the attribute to keep the style object
    element.setAttribute = (key: string, value: string): void => {
      if (key !== "style" || within) {
        Element.prototype.setAttribute.call(element, key, value);
        return;
      }
      within = true;
      element.style.cssText = value;
      within = false;
    };
  }
  return element;
}

/** Looks like a style element to whoever sets its text; the rules go into a sheet of the document. */
function styleCarrier(element: HTMLElement): HTMLElement {
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
