import { describe, expect, it } from "vitest";
import { isWhole, PASSKEY_NAME_LENGTH, passwordFault, readMachineCode, readPasskeyName, readWelcome } from "./given";

const ORIGIN = "https://gateway.example";
const TOKEN = "A".repeat(43);

describe("a link that welcomes somebody", () => {
  it("gives its token at its own gateway only: another one must not learn it", () => {
    expect(readWelcome(` ${ORIGIN}/welcome#${TOKEN}\n`, ORIGIN)).toEqual({ token: TOKEN });
    for (const other of [
      "https://evil.example",
      "http://gateway.example",
      "https://gateway.example:8443",
      "https://gateway.example.evil.example",
    ])
      expect(readWelcome(`${other}/welcome#${TOKEN}`, ORIGIN)).toBe("elsewhere");
  });

  it.each([
    "",
    "welcome",
    `/welcome#${TOKEN}`,
    `${ORIGIN}/welcome`,
    `${ORIGIN}/welcome#`,
    `${ORIGIN}/welcome#${TOKEN}${TOKEN}`,
    `${ORIGIN}/welcome#${TOKEN.slice(1)}`,
    `${ORIGIN}/welcome/#${TOKEN}`,
    `${ORIGIN}/#${TOKEN}`,
    `${ORIGIN}/welcome?x=#${TOKEN.slice(1)}%0A`,
  ])("that is not whole is told: %s", (link) => {
    expect(readWelcome(link, ORIGIN)).toBe("broken");
  });
});

describe("the code on a machine's screen", () => {
  it.each(["ABCD-2345", "abcd2345", " ab cd-23 45 ", `${ORIGIN}/account/machine#ABCD-2345`])("is read from %j", (typed) => {
    expect(readMachineCode(typed)).toBe("ABCD2345");
  });

  it.each(["", "ABCD-234", "ABCD-23456", "ABCD-234O", "ABCD-234I", "ABCD-2341", "ABCD_2345", "\u0410BCD-2345", ORIGIN])(
    "is not %j",
    (typed) => {
      expect(readMachineCode(typed)).toBeNull();
    },
  );

  it("is taken from a link of this gateway only; without one it is typed", () => {
    expect(readWelcome(`${ORIGIN}/account/machine#ABCD-2345`, ORIGIN)).toEqual({ machine: "ABCD2345" });
    expect(readWelcome(`${ORIGIN}/account/machine`, ORIGIN)).toEqual({ machine: "" });
    expect(readWelcome(`${ORIGIN}/account/machine#nonsense`, ORIGIN)).toEqual({ machine: "" });
    expect(readWelcome("https://evil.example/account/machine#ABCD-2345", ORIGIN)).toBe("elsewhere");
    expect(readWelcome(`${ORIGIN}/account/machine/more#ABCD-2345`, ORIGIN)).toBe("broken");
  });
});

describe("the address where one signs in without a machine", () => {
  it("is this gateway's own", () => {
    expect(readWelcome(`${ORIGIN}/account`, ORIGIN)).toBe("account");
    expect(readWelcome("https://evil.example/account", ORIGIN)).toBe("elsewhere");
  });
});

describe("what a person gives", () => {
  it("is a name that the gateway takes", () => {
    for (const name of ["ada", " Ada ", "a", "ada@example.org", "0-9_.+", "a".repeat(64)]) expect(isWhole(name), name).toBe(true);
    for (const name of ["", " ", "_ada", ".ada", "ädä", "ada lovelace", "a/b", "a".repeat(65), "аda"])
      expect(isWhole(name), name).toBe(false);
  });

  it("is a password of a length that it takes, counted as it counts", () => {
    expect(passwordFault("")).toBe("short");
    expect(passwordFault("elevenchars")).toBe("short");
    expect(passwordFault("twelve chars")).toBeNull();
    expect(passwordFault("a\u0308".repeat(6))).toBe("short");
    expect(passwordFault("密".repeat(342))).toBe("long");
  });
});

describe("the name of a passkey", () => {
  it("is sent trimmed, in one form, in any script", () => {
    expect(readPasskeyName("  Ada's phone ")).toBe("Ada's phone");
    expect(readPasskeyName("a\u0308")).toBe("\u00e4");
    expect(readPasskeyName("\u94a5\u5319 \ud83d\udd11")).toBe("\u94a5\u5319 \ud83d\udd11");
    expect(readPasskeyName("x".repeat(PASSKEY_NAME_LENGTH))).toHaveLength(PASSKEY_NAME_LENGTH);
  });

  it.each([
    "",
    "  ",
    "x".repeat(PASSKEY_NAME_LENGTH + 1),
    "a\nb",
    "a\u202eb",
    "a\u200bb",
    "a\u00a0b",
    "a\u2028b",
    "\u001b[31m",
    "\ud800",
    "\ue000",
    "\ufffd",
  ])("is not %j", (name) => expect(readPasskeyName(name)).toBeNull());
});
