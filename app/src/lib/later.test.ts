import { expect, test } from "vitest";
import { Later } from "./later.svelte";

test("a chunk is fetched once, however many want it", async () => {
  let fetched = 0;
  const later = new Later(async () => ({ default: ++fetched }));
  expect(later.now).toBeNull();
  await Promise.all([later.want(), later.want()]);
  await later.want();
  expect([later.now, later.failed, fetched]).toEqual([1, false, 1]);
});

test("a chunk that could not be had is tried again when it is wanted again", async () => {
  let network = false;
  const later = new Later(async () => {
    if (!network) throw new TypeError("Failed to fetch dynamically imported module");
    return { default: "screen" };
  });
  await later.want();
  expect([later.now, later.failed]).toEqual([null, true]);
  network = true;
  await later.want();
  expect([later.now, later.failed]).toEqual(["screen", false]);
});
