// node pack.mjs SOURCE TARGET: a file as one Zstandard frame, as small as it gets. zstd unpacks in 8 KB of JavaScript,
// so that a host that compresses nothing sends no more than one that does.
import { readFileSync, writeFileSync } from "node:fs";
import { constants, zstdCompressSync } from "node:zlib";

const [source, target] = process.argv.slice(2);
const params = {
  [constants.ZSTD_c_compressionLevel]: 22,
  [constants.ZSTD_c_windowLog]: 24, // 16 MiB, so that the whole of it is one window; the decoder allows up to 2 ** 25
  [constants.ZSTD_c_contentSizeFlag]: 1,
};
const content = readFileSync(source);
writeFileSync(target, zstdCompressSync(content, { params, pledgedSrcSize: content.length }));
