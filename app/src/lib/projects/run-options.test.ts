import { describe, expect, it } from "vitest";
import { EMPTY_FORM, runOptions, setParts } from "./run-options";
import { percentOf } from "./transfer";

describe("what a command is started with", () => {
  it("is nothing when nothing is set", () => {
    expect(runOptions(EMPTY_FORM)).toEqual({});
    expect(setParts(EMPTY_FORM)).toEqual([]);
  });

  it("takes variables with any value, and leaves out comments and empty lines", () => {
    const options = runOptions({ ...EMPTY_FORM, environment: "# for tests\nCI=1\n\n  URL=https://a.example/?a=b c \nEMPTY=" });
    expect(options).toEqual({ environment: { CI: "1", URL: "https://a.example/?a=b c ", EMPTY: "" } });
  });

  it("names the line that is no variable", () => {
    expect(runOptions({ ...EMPTY_FORM, environment: "A=1\nnot one" })).toEqual({ problem: expect.stringContaining("2") });
    expect(runOptions({ ...EMPTY_FORM, environment: "1A=1" })).toHaveProperty("problem");
  });

  it("keeps to the machine's limits", () => {
    for (const seconds of ["0", "3601", "1.5", "ten"]) expect(runOptions({ ...EMPTY_FORM, seconds })).toHaveProperty("problem");
    expect(runOptions({ ...EMPTY_FORM, seconds: " 3600 " })).toEqual({ timeoutSeconds: 3600 });
    expect(runOptions({ ...EMPTY_FORM, stdin: "ü".repeat(128 * 1024) })).toHaveProperty("stdin");
    expect(runOptions({ ...EMPTY_FORM, stdin: "ü".repeat(128 * 1024 + 1) })).toHaveProperty("problem");
    expect(runOptions({ ...EMPTY_FORM, environment: Array.from({ length: 65 }, (_, n) => `A${n}=1`).join("\n") })).toHaveProperty(
      "problem",
    );
    expect(runOptions({ ...EMPTY_FORM, environment: `A=${"x".repeat(17_000)}` })).toHaveProperty("problem");
  });

  it("sends standard input as it is, line end and all, and the folder without spaces around", () => {
    expect(runOptions({ ...EMPTY_FORM, stdin: " a\n", cwd: " docs " })).toEqual({ stdin: " a\n", cwd: "docs" });
  });
});

describe("how far git is", () => {
  it("is read out of its own words", () => {
    expect(
      [
        "Writing objects:  50% (1/2)",
        "Receiving objects: 100% (9/9), 3.00 KiB | 1.5 MiB/s",
        "remote: Compressing objects:   7% (1/14)",
      ].map(percentOf),
    ).toEqual([50, 100, 7]);
  });

  it("is not known when they tell none", () => {
    expect(["", "Enumerating objects: 5, done.", "a 999% b", "x50%"].map(percentOf)).toEqual([null, null, null, null]);
  });
});
