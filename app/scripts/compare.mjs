// Compares the pictures of two runs of the stories, so that a change that nobody meant is seen: node scripts/compare.mjs BEFORE AFTER [percent]
// Prints what is new, gone or differs in more than so many percent of its pixels (0.5), with a picture of the difference beside AFTER. Fails when any does.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { chromium } from "playwright-core";
import { BROWSER } from "./serving.mjs";

const [before, after] = process.argv.slice(2, 4).map((folder) => resolve(folder));
const most = Number(process.argv[4] ?? 0.5);
/** A channel that differs by less is the same to an eye. */
const SAME = 24;
const pictures = (folder) => readdirSync(folder).filter((name) => name.endsWith(".png"));
const browser = await chromium.launch(BROWSER);
const page = await browser.newPage();

/** Percent of pixels that differ, and a picture in which they are red. */
async function difference(name) {
  const read = (folder) => `data:image/png;base64,${readFileSync(join(folder, name)).toString("base64")}`;
  return page.evaluate(
    async ({ one, other, same }) => {
      const load = async (url) => createImageBitmap(await (await fetch(url)).blob());
      const [a, b] = [await load(one), await load(other)];
      if (a.width !== b.width || a.height !== b.height) return { percent: 100, picture: null };
      const canvas = new OffscreenCanvas(a.width, a.height);
      const context = canvas.getContext("2d", { willReadFrequently: true });
      const pixels = (bitmap) => {
        context.drawImage(bitmap, 0, 0);
        return context.getImageData(0, 0, a.width, a.height);
      };
      const [was, is] = [pixels(a).data, pixels(b)];
      let differ = 0;
      for (let at = 0; at < was.length; at += 4) {
        const far = [0, 1, 2].some((channel) => Math.abs(was[at + channel] - is.data[at + channel]) > same);
        if (far) differ++;
        is.data.set(far ? [255, 0, 0, 255] : [is.data[at] / 3, is.data[at + 1] / 3, is.data[at + 2] / 3, 255], at);
      }
      context.putImageData(is, 0, 0);
      const bytes = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
      let text = "";
      for (const byte of bytes) text += String.fromCharCode(byte);
      return { percent: (400 * differ) / was.length, picture: btoa(text) };
    },
    { one: read(before), other: read(after), same: SAME },
  );
}

let bad = 0;
let alike = 0;
const told = (line) => {
  bad++;
  console.log(line);
};
for (const name of pictures(before)) if (!existsSync(join(after, name))) told(`gone    ${name}`);
for (const name of pictures(after)) {
  if (!existsSync(join(before, name))) {
    told(`new     ${name}`);
    continue;
  }
  const { percent, picture } = await difference(name);
  if (percent <= most) alike++;
  else {
    told(`${percent.toFixed(1).padStart(5)} % ${name}`);
    if (picture !== null) {
      mkdirSync(join(after, "differences"), { recursive: true });
      writeFileSync(join(after, "differences", name), Buffer.from(picture, "base64"));
    }
  }
}
await browser.close();
console.log(`${alike} alike, ${bad} not`);
process.exit(bad === 0 ? 0 : 1);
