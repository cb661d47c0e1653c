import { describe, expect, it } from "vitest";
import { uuid7 } from "../ids/uuid7";
import { Database, type MachineStorage } from "../storage/database";
import { keepLanguage, keptLanguageWithin } from "./kept";

const answering = (get: () => Promise<unknown>): MachineStorage => ({ get }) as unknown as MachineStorage;

describe("the language of notifications", () => {
  it("is the page's, and English as long as none was kept", async () => {
    const storage = new Database(`kept-${uuid7()}`).of("m");
    expect(await keptLanguageWithin(storage, 60_000)).toBe("en");
    await keepLanguage(storage, "zh-Hans");
    expect(await keptLanguageWithin(storage, 60_000)).toBe("zh-Hans");
  });

  it("is English when the storage fails or never answers", async () => {
    expect(
      await keptLanguageWithin(
        answering(() => Promise.reject(new Error("no disk"))),
        60_000,
      ),
    ).toBe("en");
    expect(
      await keptLanguageWithin(
        answering(() => new Promise(() => undefined)),
        1,
      ),
    ).toBe("en");
  });
});
