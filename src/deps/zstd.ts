/**
 * Files packed by Zstandard, unpacked piece by piece. Deno's own `node:zlib` stops after the first frame
 * and takes one that is cut short for whole.
 *
 * @module
 */
export { Decompress } from "npm:fzstd@0.1.1";
