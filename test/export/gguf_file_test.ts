import assert from "node:assert/strict";
import { join } from "node:path";
import fc from "fast-check";
import {
  bool,
  bools,
  float32,
  float32s,
  int32s,
  string,
  strings,
  uint32,
} from "../../src/io/gguf/metadata.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { convertedTensor, weave } from "../../src/export/gguf/rows.ts";
import { FORMATS } from "../../src/formats/mod.ts";
import type { GgufType } from "../../src/io/gguf/tensor_types.ts";
import { writeGguf } from "../../src/io/gguf/writer.ts";
import { writeProven } from "../../src/export/proven.ts";
import { assertFileError, namesIn, withFolder } from "../io/helpers.ts";
import { ggufNumbers } from "../io/gguf/numbers.ts";

const METADATA = new Map([
  ["general.architecture", string("llama")],
  ["a.count", uint32(4_000_000_000)],
  ["a.number", float32(1e-5)],
  ["a.flag", bool(true)],
  ["a.words", strings(["", "é", "▁the"])],
  ["a.scores", float32s([-1.5, 0])],
  ["a.types", int32s([-1, 3])],
  ["a.flags", bools([true, false])],
]);

/** The most that a number from -1 to 1 is off; the step of q4_0 leaves out one end. */
const BOUNDS: Partial<Record<GgufType, number>> = {
  ...{ F32: 2 ** -25, F16: 2 ** -12, BF16: 2 ** -9 },
  ...{ Q8_0: 0.6 / 127, Q4_0: 1.001 / 8, Q4_1: 1.05 / 15 },
};

function tensor(name: string, type: GgufType, shape: number[], numbers?: Float32Array) {
  const length = shape.reduce((n, size) => n * size, 1);
  const values = numbers ?? Float32Array.from({ length }, (_, i) => Math.sin(i));
  const bytes = () => [new Uint8Array(values.buffer)];
  return convertedTensor(name, type, { shape, bytes }, "folder");
}

Deno.test("a GGUF file reads back as it was written", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    const tensors = [
      tensor("vector", "F32", [5]),
      tensor("matrix", "F16", [3, 7]),
      tensor("rounded", "BF16", [2, 3]),
      tensor("quantised", "Q8_0", [3, 64]),
      tensor("four bits", "Q4_0", [3, 64]),
      tensor("with minima", "Q4_1", [3, 64]),
    ];
    writeGguf(path, METADATA, tensors);
    using file = openGguf(path);
    assert.deepEqual(Object.fromEntries(file.metadata), {
      "general.architecture": "llama",
      "a.count": 4_000_000_000,
      "a.number": Math.fround(1e-5),
      "a.flag": true,
      "a.words": ["", "é", "▁the"],
      "a.scores": [-1.5, 0],
      "a.types": [-1, 3],
      "a.flags": [true, false],
    });
    for (const { name, type, shape } of tensors) {
      const found = file.tensors.get(name)!;
      assert.deepEqual([found.type, found.shape, found.begin % 32], [type, shape, 0]);
      const bound = BOUNDS[type]!;
      ggufNumbers(file, name).forEach((x, i) =>
        assert.ok(Math.abs(x - Math.sin(i)) <= bound, name)
      );
    }
    assert.deepEqual(file.read("vector", 4, 8), file.read("vector").subarray(4, 12));
  }));

Deno.test("a header of any length is written: its buffer grows between values of every size", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    for (let length = (1 << 16) - 160; length <= 1 << 16; length += 3) {
      const text = string("x".repeat(length));
      const metadata = new Map([["text", text], ["count", uint32(7)], ["flags", bools([true])]]);
      writeGguf(path, metadata, [tensor("vector", "F32", [5])]);
      using file = openGguf(path);
      assert.equal(file.metadata.get("count"), 7);
    }
  }));

Deno.test("Q8_0 is off by half a step of its block at most, and zeros stay zeros", () => {
  const { encode, decode } = FORMATS.q8_0;
  const block = fc.array(fc.float({ noNaN: true, min: -1000, max: 1000 }), {
    minLength: 32,
    maxLength: 32,
  });
  fc.assert(fc.property(block, (numbers) => {
    const values = Float32Array.from(numbers);
    const largest = Math.max(...values.map(Math.abs));
    // The scale itself is rounded to f16, to a multiple of 2^-24 where it is small.
    const step = largest / 127 + 127 * 2 ** -24;
    const off = decode(encode(values, 32)).map((x, i) => Math.abs(x - values[i]!));
    assert.ok(Math.max(...off) <= step / 2 * 1.001 + largest * 2 ** -11 + 127 * 2 ** -25);
  }));
  assert.deepEqual(encode(new Float32Array(32), 32), new Uint8Array(34));
  const halves = new Float32Array(32).fill(0);
  halves.set([127, 0.5, -0.5, 1.5, 0.4999]);
  assert.deepEqual([...decode(encode(halves, 32)).subarray(0, 5)], [127, 1, -1, 2, 0]);
});

Deno.test("weave() sets the two halves of a head side by side", () => {
  const rows = Float32Array.of(0, 0, 1, 1, 2, 2, 3, 3);
  assert.deepEqual([...weave(rows, 4, 2)], [0, 0, 2, 2, 1, 1, 3, 3]);
});

Deno.test("pieces of any size come out in whole blocks of a head, shifted", () => {
  const values = Float32Array.from({ length: 48 }, (_, i) => i);
  const bytes = new Uint8Array(values.buffer);
  fc.assert(fc.property(fc.integer({ min: 1, max: 200 }), (size) => {
    const source = {
      shape: [16, 3],
      *bytes() {
        const reused = new Uint8Array(size);
        for (let at = 0; at < bytes.length; at += size) {
          const part = bytes.subarray(at, at + size);
          reused.set(part);
          yield reused.subarray(0, part.length);
        }
      },
    };
    const { data } = convertedTensor("q", "F32", source, "x", { headDim: 8, shift: 1 });
    const found = [...data()].flatMap((piece) => [...FORMATS.f32.decode(piece)]);
    const wanted = [0, 8].flatMap((head) =>
      [0, 4, 1, 5, 2, 6, 3, 7].flatMap((row) => [0, 1, 2].map((i) => (head + row) * 3 + i + 1))
    );
    assert.deepEqual(found, wanted);
  }));
});

Deno.test("a number beyond the type is refused with the tensor's name, and nothing is left", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    const large = tensor("w", "F16", [1, 1], Float32Array.of(1e6));
    assertFileError(() => writeProven(path, METADATA, [large], []), `"w"`, "1000000", "finite F16");
    assert.deepEqual(namesIn(folder), []);
  }));

Deno.test("a tensor tells how far rounding moved it", () => {
  const values = Float32Array.from({ length: 3 * 64 }, (_, i) => Math.sin(i));
  const source = { shape: [3, 64], bytes: () => [new Uint8Array(values.buffer.slice())] };
  const found: number[] = [];
  const rounded = (error: number) => found.push(error);
  const { data } = convertedTensor("w", "Q4_0", source, "folder", { rounded });
  const { decode } = FORMATS.q4_0;
  const kept = [...data()].flatMap((piece) => [...decode(piece)]);
  const moved = Math.hypot(...kept.map((x, i) => x - values[i]!)) / Math.hypot(...values);
  assert.equal(found.length, 1);
  assert.ok(Math.abs(found[0]! / moved - 1) < 1e-9 && moved > 0.01, `${found}, wanted ${moved}`);
});

Deno.test("writeProven() notices a disk that gives back other bytes, and leaves nothing", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    const rename = Deno.renameSync;
    Deno.renameSync = (from, to) => {
      rename(from, to);
      const bytes = Deno.readFileSync(to);
      bytes[bytes.length - 32]! ^= 1; // the last tensor begins there
      Deno.writeFileSync(to, bytes);
    };
    try {
      const tensors = [tensor("v", "F32", [8])];
      assertFileError(
        () => writeProven(path, METADATA, tensors, []),
        `tensor "v" reads back as other bytes`,
      );
    } finally {
      Deno.renameSync = rename;
    }
    assert.deepEqual(namesIn(folder), []);
  }));

Deno.test("openGguf() refuses what is cut off or lies", () =>
  withFolder((folder) => {
    const path = join(folder, "model.gguf");
    writeGguf(path, METADATA, [tensor("vector", "F32", [5])]);
    const whole = Deno.readFileSync(path);
    const broken = (change: (bytes: Uint8Array) => Uint8Array, ...wanted: string[]) => {
      Deno.writeFileSync(path, change(whole.slice()));
      assertFileError(() => openGguf(path), path, ...wanted);
    };
    const set = (at: number, byte: number) => (bytes: Uint8Array) => (bytes[at] = byte, bytes);
    broken((bytes) => bytes.subarray(0, 200), "ends inside its header");
    broken((bytes) => bytes.subarray(0, bytes.length - 32), `"vector"`, "20 bytes", "within");
    broken(set(0, 0), "begin with GGUF");
    broken(set(4, 9), "version 9");
    broken(set(13, 255), "announces");
  }));
