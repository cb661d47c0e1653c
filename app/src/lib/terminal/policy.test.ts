import { describe, expect, it } from "vitest";
import { policyDocument } from "./policy";

describe("what xterm.js gets as its document", () => {
  it("turns a style element into a constructed sheet", () => {
    const before = document.adoptedStyleSheets.length;
    const style = policyDocument(document).createElement("style");
    style.textContent = ".x { color: red; }";
    expect(style.tagName).not.toBe("STYLE");
    expect(document.adoptedStyleSheets).toHaveLength(before + 1);
    style.remove();
    expect(document.adoptedStyleSheets).toHaveLength(before);
  });

  it("turns a style attribute into properties, which need no permission", () => {
    const span = policyDocument(document).createElement("span");
    span.setAttribute("style", "color: rgb(1, 2, 3);");
    expect(span.style.color).toBe("rgb(1, 2, 3)");
    span.setAttribute("title", "kept");
    expect(span.title).toBe("kept");
  });

  it("is the document in everything else", () => {
    const shown = policyDocument(document);
    expect(shown.createTextNode("x").data).toBe("x");
    expect(shown.body).toBe(document.body);
  });
});
