import { describe, expect, it } from "vitest";
import { styleCarrier, takeStyleAttributes } from "./policy";

describe("what xterm.js gets under the page's policy", () => {
  it("puts the text of a style element into a constructed sheet, and takes it away with the element", () => {
    const before = document.adoptedStyleSheets.length;
    const style = styleCarrier(document.createElement("span"));
    style.textContent = ".x { color: red; }";
    expect(style.childNodes).toHaveLength(0);
    expect(document.adoptedStyleSheets).toHaveLength(before + 1);
    expect(document.adoptedStyleSheets.at(-1)?.cssRules).toHaveLength(1);
    style.remove();
    expect(document.adoptedStyleSheets).toHaveLength(before);
  });

  it("turns a style attribute into properties, which need no permission", () => {
    takeStyleAttributes();
    const span = document.createElement("span");
    span.setAttribute("style", "color: rgb(1, 2, 3);");
    expect(span.style.color).toBe("rgb(1, 2, 3)");
    span.setAttribute("title", "kept");
    expect(span.title).toBe("kept");
  });
});
