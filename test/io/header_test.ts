import { join } from "node:path";
import { openSafetensors } from "../../src/io/safetensors/safetensors.ts";
import { assertFileError, safetensorsBytes, withFolder } from "./helpers.ts";

const F32_PAIR = `{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`;

/** Every way in which a header can lie, with words that the message must have. */
const HOSTILE: { fault: string; bytes: Uint8Array<ArrayBuffer>; wanted: string[] }[] = [
  {
    fault: "an empty file",
    bytes: new Uint8Array(0),
    wanted: ["found 0 bytes", "at least 8"],
  },
  {
    fault: "a file shorter than the length",
    bytes: new Uint8Array(7),
    wanted: ["found 7 bytes", "at least 8"],
  },
  {
    fault: "a header length of 2^60",
    bytes: new Uint8Array(BigUint64Array.of(2n ** 60n, 0n).buffer),
    wanted: ["1152921504606846976 bytes", "at most 25000000"],
  },
  {
    fault: "a header length above the limit",
    bytes: new Uint8Array(BigUint64Array.of(25_000_001n, 0n).buffer),
    wanted: ["25000001 bytes", "at most 25000000"],
  },
  {
    fault: "a header longer than the file",
    bytes: safetensorsBytes(`{"w":${F32_PAIR}}`, 8).slice(0, 20),
    wanted: ["header of 54 bytes in a file of 20"],
  },
  { fault: "JSON cut short", bytes: safetensorsBytes(`{"w":`, 0), wanted: ["not valid JSON"] },
  {
    fault: "bytes that are no text",
    bytes: new Uint8Array([2, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe]),
    wanted: ["not UTF-8"],
  },
  { fault: "an array", bytes: safetensorsBytes("[]", 0), wanted: ["found an array"] },
  { fault: "null", bytes: safetensorsBytes("null", 0), wanted: ["found null"] },
  hostile("a tensor that is a number", `{"w":1}`, 0, `tensor "w" is a JSON number`),
  hostile(
    "no dtype",
    `{"w":{"shape":[],"data_offsets":[0,4]}}`,
    4,
    `tensor "w" has dtype undefined`,
  ),
  hostile(
    "an unknown dtype",
    `{"w":{"dtype":"F33","shape":[],"data_offsets":[0,4]}}`,
    4,
    `tensor "w" has dtype "F33"`,
    "BF16",
  ),
  hostile(
    "a dtype that every object has",
    `{"w":{"dtype":"toString","shape":[],"data_offsets":[0,4]}}`,
    4,
    `has dtype "toString"`,
  ),
  hostile(
    "a shape that is no array",
    `{"w":{"dtype":"F32","shape":2,"data_offsets":[0,8]}}`,
    8,
    `tensor "w" has shape 2`,
  ),
  hostile(
    "a negative size",
    `{"w":{"dtype":"F32","shape":[-1,-2],"data_offsets":[0,8]}}`,
    8,
    "has shape [-1,-2]",
  ),
  hostile(
    "half a size",
    `{"w":{"dtype":"F32","shape":[0.5,4],"data_offsets":[0,8]}}`,
    8,
    "has shape [0.5,4]",
  ),
  hostile(
    "a size of 2^60",
    `{"w":{"dtype":"F32","shape":[1152921504606846976],"data_offsets":[0,8]}}`,
    8,
    "has shape [1152921504606847000]",
  ),
  hostile(
    "sizes whose product is 2^60",
    `{"w":{"dtype":"U8","shape":[1073741824,1073741824],"data_offsets":[0,8]}}`,
    8,
    "[1073741824,1073741824] is too large",
  ),
  hostile("no data_offsets", `{"w":{"dtype":"F32","shape":[2]}}`, 8, "has data_offsets undefined"),
  hostile(
    "one offset",
    `{"w":{"dtype":"F32","shape":[2],"data_offsets":[8]}}`,
    8,
    "has data_offsets [8]",
  ),
  hostile(
    "offsets backwards",
    `{"w":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`,
    8,
    "has data_offsets [8,0]",
  ),
  hostile(
    "offsets of 2^60",
    `{"w":{"dtype":"F32","shape":[2],"data_offsets":[1152921504606846976,1152921504606846984]}}`,
    8,
    "has data_offsets [1152921504606847000,",
  ),
  hostile(
    "too few bytes for the dtype",
    `{"w":{"dtype":"F64","shape":[2],"data_offsets":[0,8]}}`,
    8,
    `tensor "w" has 8 bytes, wanted 16 for F64 [2]`,
  ),
  hostile(
    "offsets beyond the file",
    `{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`,
    8,
    `tensor "w" ends at byte 79, beyond the end of the file at 71`,
  ),
  hostile(
    "an overlap",
    `{"w":${F32_PAIR},"v":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`,
    12,
    `tensor "v" overlaps tensor "w" by 4 bytes`,
  ),
  hostile(
    "one place for two tensors",
    `{"w":${F32_PAIR},"v":${F32_PAIR}}`,
    8,
    `tensor "v" overlaps tensor "w" by 8 bytes`,
  ),
  hostile(
    "a hole before the first tensor",
    `{"w":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}`,
    12,
    `4 bytes between the header and tensor "w"`,
  ),
  hostile(
    "a hole between tensors",
    `{"w":${F32_PAIR},"v":{"dtype":"F32","shape":[2],"data_offsets":[16,24]}}`,
    24,
    `8 bytes between tensor "w" and tensor "v"`,
  ),
  hostile("bytes at the end", `{"w":${F32_PAIR}}`, 11, `3 bytes after tensor "w"`),
  hostile("a tensor twice", `{"w":${F32_PAIR},"\\u0077":${F32_PAIR}}`, 8, `names "w" twice`),
  hostile("metadata that is a list", `{"__metadata__":[]}`, 0, "__metadata__"),
  hostile("metadata with a number", `{"__metadata__":{"format":1}}`, 0, "__metadata__"),
];

function hostile(fault: string, header: string, dataBytes: number, ...wanted: string[]) {
  return { fault, bytes: safetensorsBytes(header, dataBytes), wanted };
}

for (const { fault, bytes, wanted } of HOSTILE) {
  Deno.test(`openSafetensors() refuses ${fault}`, () =>
    withFolder((folder) => {
      const path = join(folder, "hostile.safetensors");
      Deno.writeFileSync(path, bytes);
      assertFileError(() => openSafetensors(path), path, ...wanted);
    }));
}
