// Prints the Brotli bytes of the first load (the page and everything it loads before a lazy chunk) and of the lazy chunks.
// Fails above 70 KB, and when anything of the development machine is in the bundle. Run after `npm run build`.
import { readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync, constants } from "node:zlib";

const LIMIT = 70_000;
const dist = new URL("../dist/", import.meta.url);
const read = (name) => readFileSync(new URL(name, dist));
const brotli = (bytes) => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }).length;

const page = read("index.html").toString();
if (/<script(?![^>]*\bsrc=)[^>]*>|<style|\sstyle=|\son\w+=/i.test(page)) throw new Error("index.html has inline script or style");

const first = new Set(["index.html", ...[...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((match) => match[1])]);
for (const name of first) {
  if (!name.endsWith(".js")) continue;
  for (const match of read(name)
    .toString()
    .matchAll(/(?:from|import)\s*"\.\/([^"]+\.js)"/g))
    first.add(`assets/${match[1]}`);
}
let total = 0;
const lazy = [];
const assets = readdirSync(new URL("assets/", dist)).filter((file) => !/\.(br|gz)$/.test(file)); // copies of the others
for (const name of ["index.html", ...assets.map((file) => `assets/${file}`)]) {
  const bytes = brotli(read(name));
  if (first.has(name)) {
    total += bytes;
    console.log(`first  ${String(bytes).padStart(7)}  ${name}`);
  } else {
    lazy.push(`lazy   ${String(bytes).padStart(7)}  ${name}`);
  }
}
for (const line of lazy) console.log(line);
for (const name of assets) {
  if (/MockMachine|mock-epoch|mock-signature|mock-door/.test(read(`assets/${name}`).toString()))
    throw new Error(`${name} has the development machine in it`);
}
console.log(`first load: ${total} bytes Brotli (limit ${LIMIT})`);
if (total > LIMIT) process.exit(1);
