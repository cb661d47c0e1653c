// Writes the .br and .gz variants of the built app that the gateway serves. Run once per build: the best compression is slow.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const [folder] = process.argv.slice(2);
for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !/\.(html|js|css|svg|json|webmanifest|txt|wasm)$/.test(entry.name)) continue;
  const file = join(entry.parentPath ?? entry.path, entry.name);
  const plain = readFileSync(file);
  for (const [suffix, packed] of [
    [".br", brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length } })],
    [".gz", gzipSync(plain, { level: 9 })],
  ]) {
    // A variant must be worth its header.
    if (packed.length < plain.length - 64) writeFileSync(file + suffix, packed);
  }
}
