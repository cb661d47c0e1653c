// @vitest-environment node
/** This side against the file that the gateway's code checks itself against, too (tests/PocketCoder.Accounts.Tests/ProofVectorTests.cs). */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { fromBase64Url, toBase64Url } from "../text/base64url";
import { AccountKey, proofText } from "./key";

interface Case {
  readonly name: string;
  readonly origin: string;
  readonly path: string;
  readonly nonce: string;
  readonly once: string;
  readonly body: string;
  readonly token: string | null;
  readonly text: string;
  readonly signature: string;
}

const vectors = JSON.parse(readFileSync(new URL("../../../../tests/vectors/account-proof.json", import.meta.url), "utf8")) as {
  readonly key: string;
  readonly cases: readonly Case[];
};
const CURVE = { name: "ECDSA", namedCurve: "P-256" } as const;
const HOW = { name: "ECDSA", hash: "SHA-256" } as const;
const given = (one: Case): Parameters<typeof proofText>[0] => ({ ...one, body: new TextEncoder().encode(one.body) });

describe("the shared vectors", () => {
  it.each(vectors.cases)("hold for $name", async (one) => {
    const text = await proofText(given(one), one.once);
    expect(new TextDecoder().decode(text)).toBe(one.text);
    const key = await crypto.subtle.importKey("raw", fromBase64Url(vectors.key), CURVE, true, ["verify"]);
    expect(await crypto.subtle.verify(HOW, key, fromBase64Url(one.signature), text)).toBe(true);
  });

  it.each(vectors.cases)("differ in their bytes when any part differs: $name", async (one) => {
    const texts = await Promise.all(
      [
        given(one),
        { ...given(one), origin: `${one.origin}x` },
        { ...given(one), path: `${one.path}x` },
        { ...given(one), nonce: `${one.nonce}x` },
        { ...given(one), body: new TextEncoder().encode(`${one.body} `) },
        { ...given(one), token: `${one.token ?? ""}x` },
        { ...given(one), token: one.token === null ? "" : null },
      ].map(async (proved) => new TextDecoder().decode(await proofText(proved, one.once))),
    );
    expect(new Set(texts).size).toBe(texts.length);
  });

  it("are what a key makes: one time each, in the form that the gateway takes, and out of a key that can't be taken out", async () => {
    const keys = await crypto.subtle.generateKey(CURVE, false, ["sign", "verify"]);
    const key = await AccountKey.of(keys);
    const [one] = vectors.cases;
    if (!one) throw new Error("no vector");
    const proofs = await Promise.all([key.prove(given(one)), key.prove(given(one))]);
    expect(new Set(proofs.map((proof) => proof.split(".")[1])).size).toBe(2);
    for (const proof of proofs) {
      expect(proof).toMatch(/^[\w-]{22}\.[\w-]{22}\.[\w-]{86}$/);
      const [, once = "", signature = ""] = proof.split(".");
      expect(await crypto.subtle.verify(HOW, keys.publicKey, fromBase64Url(signature), await proofText(given(one), once))).toBe(true);
    }
    expect(key.publicKey).toBe(toBase64Url(new Uint8Array(await crypto.subtle.exportKey("raw", keys.publicKey))));
    expect(key.publicKey).toHaveLength(87);
    await expect(crypto.subtle.exportKey("pkcs8", keys.privateKey)).rejects.toThrow();
  });
});
