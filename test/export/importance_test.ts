import assert from "node:assert/strict";
import { join } from "node:path";
import { exportGguf } from "../../src/export/gguf_model.ts";
import {
  columnsOf,
  type ImportanceMatrix,
  readImportance,
  writeImportance,
} from "../../src/export/gguf/importance.ts";
import { readPeft } from "../../src/adapters/peft/folder.ts";
import { FORMATS } from "../../src/formats/mod.ts";
import { openCheckpoint } from "../../src/io/checkpoint.ts";
import { openGguf } from "../../src/io/gguf/reader.ts";
import { string } from "../../src/io/gguf/metadata.ts";
import { writeGguf } from "../../src/io/gguf/writer.ts";
import { toFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { assertFileError, withFolder } from "../io/helpers.ts";
import { writeTinyAdapter } from "../models/tiny.ts";
import { noise } from "../harness.ts";

const BASE = new URL("../../configs/online/base", import.meta.url).pathname;
const DOWN = "blk.1.ffn_down.weight";

const matrixOf = (sums: Record<string, Float32Array>, count = 8): ImportanceMatrix => ({
  sums: new Map(Object.entries(sums)),
  counts: new Map(Object.keys(sums).map((name) => [name, count])),
  datasets: ["text.txt"],
  chunks: 2,
});

Deno.test("an importance matrix reads back as llama.cpp's files have it", () =>
  withFolder((folder) => {
    const path = join(folder, "m.imatrix.gguf");
    const sums = noise(36, 3).map((x) => x * x);
    writeImportance(path, matrixOf({ [DOWN]: sums }));
    using file = openGguf(path);
    assert.deepEqual([...file.metadata].map(([key, value]) => [key, value]), [
      ["general.type", "imatrix"],
      ["imatrix.datasets", ["text.txt"]],
      ["imatrix.chunk_count", 2],
      ["imatrix.chunk_size", 4],
    ]);
    assert.deepEqual([...file.tensors.keys()], [`${DOWN}.in_sum2`, `${DOWN}.counts`]);
    const read = readImportance(path);
    assert.deepEqual(read, matrixOf({ [DOWN]: sums }));
    assert.deepEqual(columnsOf(read, DOWN, 36), sums.map((x) => x / 8));
    assert.equal(columnsOf(read, "output.weight", 36), undefined);
    assert.deepEqual(
      columnsOf(matrixOf({ [DOWN]: sums }, 0), DOWN, 36),
      new Float32Array(36).fill(1),
    );
    assertFileError(() => columnsOf(read, DOWN, 32), `"${DOWN}" has 36 columns there, wanted 32`);
    for (const bad of [-1, NaN, Infinity]) {
      const matrix = matrixOf({ [DOWN]: Float32Array.of(1, bad) });
      assertFileError(() => columnsOf(matrix, DOWN, 2), `has a sum of ${bad}`);
    }
  }));

Deno.test("what is no importance matrix is refused", () =>
  withFolder((folder) => {
    const write = (name: string, kind: string, tensors: Parameters<typeof writeGguf>[2]) => {
      writeGguf(join(folder, name), new Map([["general.type", string(kind)]]), tensors);
      return join(folder, name);
    };
    const tensor = (name: string, ...numbers: number[]) => ({
      ...{ name, type: "F32" as const, shape: [numbers.length] },
      data: () => [new Uint8Array(Float32Array.from(numbers).buffer)],
    });
    const refused = (path: string, what: string) =>
      assertFileError(() => readImportance(path), what);
    refused(
      write("a.gguf", "model", []),
      "found a GGUF file of model, wanted an importance matrix",
    );
    refused(write("b.gguf", "imatrix", []), "found no .in_sum2 tensor");
    const sums = tensor("x.in_sum2", 1, 2);
    refused(write("c.gguf", "imatrix", [sums]), 'found no tensor "x.counts", wanted one of F32');
    refused(write("d.gguf", "imatrix", [sums, tensor("x.counts", 1, 1)]), "found 2 counts");
    Deno.writeTextFileSync(join(folder, "e.gguf"), "an older file");
    refused(join(folder, "e.gguf"), "it does not begin with GGUF");
  }));

Deno.test("exportGguf() rounds by the columns of the matrix, and says so in the file", () =>
  withFolder((folder) => {
    const out = join(folder, "q.gguf");
    const importance = noise(320, 5).map((x) => x * x);
    const matrix = matrixOf({ [DOWN]: importance.map((x) => x * 8) });
    exportGguf(BASE, out, { type: "Q4_K_M", importance: { matrix, file: "m.imatrix.gguf" } });
    using file = openGguf(out);
    assert.equal(file.metadata.get("quantize.imatrix.file"), "m.imatrix.gguf");
    assert.equal(file.metadata.get("quantize.imatrix.entries_count"), 1);
    using checkpoint = openCheckpoint(BASE);
    const numbers = (layer: number) =>
      toFloat32(checkpoint.read(`model.layers.${layer}.mlp.down_proj.weight`), "BF16");
    assert.equal(file.tensors.get(DOWN)!.type, "Q5_0", "rows of 320");
    assert.deepEqual(file.read(DOWN), FORMATS.q5_0.encode(numbers(1), 320, importance));
    assert.notDeepEqual(file.read(DOWN), FORMATS.q5_0.encode(numbers(1), 320));
    const other = "blk.0.ffn_down.weight";
    assert.equal(file.tensors.get(other)!.type, "Q5_0");
    assert.deepEqual(
      file.read(other),
      FORMATS.q5_0.encode(numbers(0), 320),
      "it has no importance",
    );
    for (const type of ["Q8_0", "F16", undefined]) {
      assert.throws(
        () => exportGguf(BASE, join(folder, "8.gguf"), { type, importance: { matrix, file: "m" } }),
        { name: "ConfigError", message: /whose rounding heeds none, wanted one of Q6_K, Q5_K_M/ },
      );
    }
  }));

Deno.test("exportGguf() tells what is left of an adapter, and refuses where it is lost", () =>
  withFolder((folder) => {
    const adapterOf = (name: string, alpha: number) => {
      writeTinyAdapter(join(folder, name), BASE, alpha);
      return readPeft(join(folder, name));
    };
    const rounded = join(folder, "base.gguf");
    assert.equal(exportGguf(BASE, rounded, { type: "Q4_0" }).kept, null);
    const large = adapterOf("large", 1);
    const { kept } = exportGguf(BASE, join(folder, "a.gguf"), { type: "Q4_0", adapter: large });
    assert.ok(kept! > 0.9 && kept! < 1.1, `${kept}`);
    assert.equal(
      exportGguf(BASE, join(folder, "b.gguf"), { type: "F16", adapter: large }).kept,
      null,
    );

    // Numbers that a format holds exactly are rounded back to where they were.
    const small = adapterOf("small", 1e-3);
    const lost = join(folder, "lost.gguf");
    assertFileError(
      () => exportGguf(rounded, lost, { type: "Q4_0", adapter: small }),
      `Cannot write ${lost}: rounding to Q4_0 leaves 0.`,
      "of what the adapter changes, wanted at least 50 %; a --type of more bits keeps more",
    );
    assert.ok(![...Deno.readDirSync(folder)].some(({ name }) => name.startsWith("lost")));
  }));
