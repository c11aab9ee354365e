import assert from "node:assert/strict";
import {
  encodeMatrix,
  FORMAT_NAMES,
  type FormatName,
  formatOf,
  FORMATS,
  QUANTIZED,
} from "../../src/formats/mod.ts";
import { nestScales } from "../../src/formats/groups/nf4_double.ts";
import { noise } from "../harness.ts";
import { blockIndex } from "../../src/check/layout.ts";
import BLOCKS from "./blocks.json" with { type: "json" };

/** What `gguf` and bitsandbytes make of the numbers of a fixture, and what they read back. */
const fromBase64 = (text: string) => Uint8Array.fromBase64(text);
const floats = (text: string) => new Float32Array(fromBase64(text).buffer);
const wantedOf = (name: FormatName) =>
  BLOCKS[FORMATS[name].stored as keyof typeof BLOCKS.many.sha256 | "NF4" | "NF4_DOUBLE"];

/** Cubes of noise, rows of other magnitudes, every fifth away from 0: as make_ggml.py has them. */
function manyNumbers(): Float32Array {
  const [rows, columns] = BLOCKS.many.shape as [number, number];
  return noise(rows * columns, 7).map((x, i) => {
    const row = Math.floor(i / columns);
    const cube = Math.fround(Math.fround(x * x) * x);
    return (row % 5 === 0 ? Math.fround(cube + 0.75) : cube) * 2 ** (row % 29 - 20);
  });
}

for (const [stored, hash] of Object.entries(BLOCKS.many.sha256)) {
  Deno.test(`${stored} of many numbers has the bytes of llama.cpp's quantiser`, async () => {
    const packed = FORMATS[formatOf(stored)!].encode(manyNumbers(), BLOCKS.many.shape[1]!);
    const found = new Uint8Array(await crypto.subtle.digest("SHA-256", packed));
    assert.equal(found.toHex(), hash);
  });
}

/** Squares of noise, every 97th 0: as make_ggml.py has them. */
const importances = () =>
  noise(BLOCKS.many.shape[1]!, 11).map((x, column) => column % 97 === 0 ? 0 : Math.fround(x * x));

for (const [stored, hash] of Object.entries(BLOCKS.many.weighted)) {
  Deno.test(`${stored} by an importance matrix has the bytes of llama.cpp's quantiser`, async () => {
    const format = FORMATS[formatOf(stored)!];
    const packed = format.encode(manyNumbers(), BLOCKS.many.shape[1]!, importances());
    const found = new Uint8Array(await crypto.subtle.digest("SHA-256", packed));
    assert.equal(found.toHex(), hash);
    const same = hash === BLOCKS.many.sha256[stored as keyof typeof BLOCKS.many.sha256];
    assert.equal(Boolean(format.heedsImportance), !same);
  });
}

for (const name of QUANTIZED) {
  const format = FORMATS[name];

  Deno.test(`${name} rounds as its reference does, bit for bit`, () => {
    const found = encodeMatrix(format, floats(BLOCKS.f32), BLOCKS.shape[1]!);
    assert.deepEqual(found, fromBase64(wantedOf(name).bytes));
  });

  Deno.test(`${name} reads what its reference reads, bit for bit`, () => {
    const found = format.decode(fromBase64(wantedOf(name).bytes));
    const wanted = floats(wantedOf(name).numbers);
    // ggml reads -0 where a scale is 0.
    assert.deepEqual(found.map((x) => x + 0), wanted.map((x) => x + 0));
  });

  Deno.test(`${name} takes no more bytes on the device than in a file, but for a last unit`, () => {
    for (const [rows, groups] of [[4, 1], [12, 3], [40, 18]] as const) {
      const columns = groups * format.group;
      const inFile = rows * groups * format.groupBytes;
      const unit = format.bytes(4, format.group);
      assert.equal(format.bytes(rows, columns), Math.ceil(inFile / unit) * unit);
    }
    assert.equal(format.bytes(576, 1536), 576 * 1536 / format.group * format.groupBytes);
  });
}

for (const name of FORMAT_NAMES) {
  const format = FORMATS[name];

  Deno.test(`${name} unpacks what it packed`, () => {
    for (const [rows, groups] of [[4, 1], [12, 3], [20, 5]] as const) {
      const columns = groups * Math.max(32, format.group);
      const file = format.encode(noise(rows * columns, rows), columns);
      const packed = format.pack(file, columns);
      assert.equal(packed.byteLength, format.bytes(rows, columns));
      assert.equal(packed.byteLength % 16, 0, "whole words");
      assert.deepEqual(format.unpack(packed, rows, columns), file);
    }
  });

  Deno.test(`${name} packs the rows of a matrix in pieces as it does at once`, () => {
    const [rows, columns] = [24, 3 * Math.max(32, format.group)];
    const file = format.encode(noise(rows * columns, 3), columns);
    const whole = format.pack(file, columns);
    const at = format.bytes(16, columns);
    const rowBytes = file.byteLength / rows;
    assert.deepEqual(format.pack(file.slice(0, 16 * rowBytes), columns), whole.slice(0, at));
    assert.deepEqual(format.pack(file.slice(16 * rowBytes), columns), whole.slice(at));
  });

  Deno.test(`${name} is found by the name that files have for it`, () => {
    assert.equal(formatOf(format.stored), name);
    assert.equal(formatOf(format.stored.toLowerCase()), undefined);
  });
}

/** Whole 2^-14 of all sizes, whose sums are exact: as make_nf4.py has them. */
const graded = (count: number) =>
  Float32Array.from({ length: count }, (_, i) => {
    const spread = (Math.imul(i, 2654435761) >>> 23) - 256;
    return spread * (Math.floor(i / 64) * 37 % 61 + 1) / 2 ** 14;
  });

Deno.test("nf4_double has the codes, the scales of scales and the offset of bitsandbytes", async () => {
  const [rows, columns] = BLOCKS.nested.shape as [number, number];
  const numbers = graded(rows * columns);
  const groups = FORMATS.nf4.encode(numbers, columns);
  const cut = (from: number, to: number) =>
    groups.filter((_, i) => i % 36 >= from && i % 36 < to).buffer;
  const nested = nestScales(new Float32Array(cut(0, 4)));
  const found = {
    codes: cut(4, 36),
    scales: nested.codes,
    largest: nested.largest,
    offset: Float32Array.of(nested.offset),
    numbers: FORMATS.nf4_double.decode(encodeMatrix(FORMATS.nf4_double, numbers, columns)),
  };
  for (const [part, bytes] of Object.entries(found)) {
    const digest = await crypto.subtle.digest("SHA-256", bytes as BufferSource);
    const hash = new Uint8Array(digest).toHex();
    assert.equal(hash, BLOCKS.nested.sha256[part as keyof typeof BLOCKS.nested.sha256], part);
  }
});

Deno.test("formats of single numbers lie in 4x4 blocks", () => {
  const [rows, columns] = [12, 20];
  const numbers = Float32Array.from({ length: rows * columns }, (_, i) => i);
  for (const name of ["f32", "f16", "bf16"] as const) {
    const { encode, decode, pack } = FORMATS[name];
    const packed = decode(pack(encode(numbers, columns), columns));
    for (let i = 0; i < numbers.length; i++) {
      const [row, column] = [Math.floor(i / columns), i % columns];
      assert.equal(packed[blockIndex(row, column, columns)], decode(encode(numbers, columns))[i]);
    }
  }
});

Deno.test("q8_0 lies as its loader says: 16 blocks of a word each, then the scales", () => {
  const [rows, columns] = [8, 64];
  const { encode, pack } = FORMATS.q8_0;
  const file = encode(noise(rows * columns, 9), columns);
  const packed = pack(file, columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const block = (row >> 2) * (columns / 4) + (column >> 2);
      const unit = (block >> 4) * 17 * 16;
      const group = (row * columns + column >> 5) * 34;
      const at = unit + block % 16 * 16 + (row & 3) * 4 + (column & 3);
      assert.equal(packed[at], file[group + 2 + column % 32]);
      const scale = unit + 256 + (block % 16 >> 3) * 8 + (row & 3) * 2;
      assert.deepEqual(packed.slice(scale, scale + 2), file.slice(group, group + 2));
    }
  }
});

Deno.test("q4_0 and q4_1 lie as their loaders say: 8 bytes a block, a row in 16 bits", () => {
  const [rows, columns] = [8, 64];
  const sizes = {
    q4_0: { blocks: 16, unit: 144, begin: 2 },
    q4_1: { blocks: 8, unit: 80, begin: 4 },
  };
  for (const name of ["q4_0", "q4_1"] as const) {
    const { blocks, unit, begin } = sizes[name];
    const file = FORMATS[name].encode(noise(rows * columns, 9), columns);
    const packed = FORMATS[name].pack(file, columns);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        const block = (row >> 2) * (columns / 4) + (column >> 2);
        const at = Math.floor(block / blocks) * unit + block % blocks * 8 + (row & 3) * 2;
        const four = packed[at]! | packed[at + 1]! << 8;
        const group = (row * columns + column >> 5) * FORMATS[name].groupBytes;
        const byte = file[group + begin + column % 16]!;
        const wanted = column % 32 < 16 ? byte & 15 : byte >> 4;
        assert.equal(four >> 4 * (column & 3) & 15, wanted);
      }
    }
  }
});
