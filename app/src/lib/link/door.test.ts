import { describe, expect, it } from "vitest";
import { channelDoor, decisionText, fromBase64Url, toBase64Url } from "./channel-door";

describe("the real door", () => {
  it("writes base64url and reads it back", () => {
    for (let length = 0; length < 70; length++) {
      const bytes = Uint8Array.from({ length }, (_, at) => (at * 37 + length) % 256);
      expect(toBase64Url(bytes)).toMatch(/^[\w-]*$/);
      expect(fromBase64Url(toBase64Url(bytes))).toEqual(bytes);
    }
  });

  it("puts reason and answers into the signature as hashes, empty ones too", async () => {
    const fields = { machineId: "m", approvalId: "a", decisionId: "d", digest: "g", verdict: "allow", scope: "once", reason: "", answers: "two\nlines" };
    const text = await decisionText(fields);
    expect(text.slice(0, 7)).toEqual(["m", "a", "d", "g", "allow", "once", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"]);
    expect(text[7]).toMatch(/^[0-9a-f]{64}$/);
    expect(text).toHaveLength(8);
  });

  it("refuses what is no pairing link", async () => {
    const door = await channelDoor();
    for (const text of ["", "https://x.example/", "https://x.example/#pair=", "https://x.example/#pair=abc", `https://x.example/#pair=${"A".repeat(120)}`, "hello there"]) expect(await door.readInvite(text)).toBeNull();
    expect(await door.machine()).toBeNull();
  });

  it("keeps its signing key over restarts and signs with it", async () => {
    const first = await channelDoor();
    const again = await channelDoor();
    expect(await again.signingKey()).toBe(await first.signingKey());
    expect(fromBase64Url(await first.signingKey())).toHaveLength(65);
    const signature = await first.signDecision({ machineId: "m", approvalId: "a", decisionId: "d", digest: "g", verdict: "allow", scope: "once", reason: "x\ny", answers: "" });
    expect(fromBase64Url(signature)).toHaveLength(64);
  });

  it("takes no head that is not signed by the machine", async () => {
    const door = await channelDoor();
    const machine = { machineId: "m", name: "x", signingKey: await door.signingKey() };
    for (const signature of ["", "!!", toBase64Url(new Uint8Array(64)), toBase64Url(new Uint8Array(10))]) {
      expect(await door.verifyHead(machine, { epoch: "e", seq: 1, hash: "00".repeat(32), signature })).toBe(false);
    }
  });
});
