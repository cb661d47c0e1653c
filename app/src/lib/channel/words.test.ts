import { expect, test } from "vitest";
import { machineWords } from ".";

// The machine's own table (MachineWordsTests.cs); the words of the first are the proposal's example, 127.0.0.1.
test.each([
  ["7f0000010000000000000000000000ff", "lusab-babad-babab"],
  ["3f54dcc1ffff00000000000000000000", "gutih-tugad-zuzuz"],
  ["3f760723123400000000000000000000", "gutuk-bisog-damuh"],
])("the words of %s", (id, words) => expect(machineWords(id)).toBe(words));
