import { createECDH } from "node:crypto";
import { decrypt } from "http_ece";
import { describe, expect, it } from "vitest";
import vectors from "../../tests/vectors/push.json";

/** What the machine seals (tests/PocketCoder.Push.Tests/VectorTests.cs) is opened by a program that is not ours. */
describe("a notification sealed by the machine", () => {
  it.each(vectors.map((vector) => [vector.text.length, vector] as const))("of %i characters opens", (_, vector) => {
    const key = createECDH("prime256v1");
    key.setPrivateKey(vector.private, "base64url");
    const opened = decrypt(Buffer.from(vector.body, "base64url"), { version: "aes128gcm", privateKey: key, authSecret: vector.auth });
    expect(opened.toString("utf8")).toBe(vector.text);
  });
});
