import { describe, expect, it } from "vitest";
import { readNotice } from "./notice";
import { MACHINE, sample } from "./testing";

const asked = sample({ waiting: 2, at: "2026-11-25T10:00:00.1234567+00:00", outcome: null, expiresAt: "2026-11-25T10:10:00+00:00" });
const read = (change: object): ReturnType<typeof readNotice> => readNotice(JSON.stringify({ ...asked, ...change }), MACHINE);

describe("a message of the push service", () => {
  it("is read as the machine made it, with what is missing as null", () => {
    expect(read({})).toEqual(asked);
    const short = readNotice(
      JSON.stringify({ v: 1, machineId: MACHINE, machine: "atlas", kind: "digest", tag: "digest", waiting: 3, at: asked.at }),
      MACHINE,
    );
    expect(short).toMatchObject({ kind: "digest", waiting: 3, approvalId: null, what: null, whole: false, denies: false });
  });

  it("may have members that are not known yet", () => {
    expect(read({ later: { a: 1 } })).toEqual(asked);
  });

  it.each([
    ["nothing", null],
    ["no text", ""],
    ["no JSON", "{"],
    ["no object", "7"],
    ["null", "null"],
    ["a list", "[]"],
    ["too long", JSON.stringify({ ...asked, later: "x".repeat(5000) })],
  ])("that is %s is not read", (_, text) => {
    expect(readNotice(text, MACHINE)).toBeNull();
  });

  it.each([
    ["of a later version", { v: 2 }],
    ["of another machine", { machineId: "0".repeat(32) }],
    ["of an unknown kind", { kind: "weather" }],
    ["without a tag", { tag: "" }],
    ["with an odd tag", { tag: "approval/<b>" }],
    ["without its approval", { approvalId: null }],
    ["with an approval that is a path", { approvalId: "../../x" }],
    ["with a digest that is none", { digest: "abc" }],
    ["with a long line", { what: "x".repeat(161) }],
    ["with a long name", { session: "x".repeat(41) }],
    ["with a long folder", { folder: "x".repeat(81) }],
    ["with a line that is no text", { what: { toString: "x" } }],
    ["with a tier that is none", { tier: "harmless" }],
    ["with a sandbox that is none", { sandbox: "perfect" }],
    ["with a count that is none", { waiting: -1 }],
    ["with a count that is a fraction", { waiting: 1.5 }],
    ["with a word for yes", { whole: "yes" }],
    ["with a time that is none", { at: "soon" }],
    ["that settles without an outcome", { kind: "settled", outcome: null }],
    ["that settles oddly", { kind: "settled", outcome: "won" }],
  ])("%s is not read", (_, change) => {
    expect(read(change)).toBeNull();
  });
});
