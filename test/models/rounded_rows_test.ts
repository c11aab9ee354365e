/** Formats that round by all rows of a matrix, read in pieces. */
import assert from "node:assert/strict";
import { encodeMatrix, FORMATS } from "../../src/formats/mod.ts";
import { openCheckpoint, writeCheckpoint } from "../../src/io/checkpoint.ts";
import { fromFloat32 } from "../../src/io/safetensors/safetensors.ts";
import { keptRows } from "../../src/models/kept_rows.ts";
import { PIECE } from "../../src/models/rounded_rows.ts";
import { Tensors } from "../../src/models/stored.ts";
import { noise } from "../harness.ts";
import { withFolder } from "../io/helpers.ts";

Deno.test("a matrix that is read in pieces is rounded by the scales of all its rows", () =>
  withFolder((parent) => {
    const [rows, columns] = [2 * PIECE / 1024 + 5, 1024];
    // The rows of the second piece are larger.
    const numbers = noise(rows * columns, 3).map((x, i) => i > PIECE ? 4 * x : x);
    const folder = `${parent}/model`;
    writeCheckpoint(folder, {
      config: { model_type: "llama" },
      tensors: [{
        ...{ name: "m.weight", dtype: "F32", shape: [rows, columns] },
        data: fromFloat32(numbers, "F32"),
      }],
    });
    using checkpoint = openCheckpoint(folder);
    const tensors = new Tensors(checkpoint, {}, false, "nf4_double");
    const pieces = [...keptRows(tensors, "m.weight")];
    assert.ok(pieces.length > 2);
    const format = FORMATS.nf4_double;
    const wanted = format.decode(encodeMatrix(format, numbers, columns));
    for (const { rows, first } of pieces) {
      const from = first * columns;
      assert.equal(rows.findIndex((x, i) => x !== wanted[from + i]), -1, `rows from ${first} on`);
    }
  }));
