import { describe, expect, it } from "vitest";
import { quoted } from "./messages";

describe("a quote", () => {
  it("marks every line and leaves room for the answer", () => expect(quoted("a\n\nb\n", "")).toBe("> a\n>\n> b\n\n"));
  it("stands below what was written before", () => expect(quoted("a", "Look:  ")).toBe("Look:\n\n> a\n\n"));
});
