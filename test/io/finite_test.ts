import assert from "node:assert/strict";
import fc from "fast-check";
import { type Dtype, fromFloat32 } from "../../src/io/safetensors/dtype.ts";
import { refuseNonFinite, toFiniteFloat32 } from "../../src/io/safetensors/finite.ts";
import { assertFileError } from "./helpers.ts";

const tensor = (dtype: Dtype) =>
  ({ name: "w", dtype, shape: [8], file: "m.safetensors", begin: 0, bytes: 32 }) as const;

for (const dtype of ["F32", "F16", "BF16"] as const) {
  Deno.test(`refuseNonFinite() finds NaN and infinity at every place in ${dtype}`, () => {
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (let at = 0; at < 8; at++) {
        const values = Float32Array.from({ length: 8 }, (_, i) => i === at ? bad : (-1) ** i * i);
        const words = new Uint32Array(Uint8Array.from(fromFloat32(values, dtype)).buffer);
        assertFileError(
          () => refuseNonFinite(words, tensor(dtype), 100),
          `Cannot use tensor "w" in m.safetensors: its element ${100 + at} is NaN or infinite`,
        );
      }
    }
  });

  Deno.test(`refuseNonFinite() takes every finite number in ${dtype}`, () => {
    const largest = { F32: 3.4028234663852886e38, F16: 65504, BF16: 3.3895313892515355e38 }[dtype];
    const number = fc.float({ noNaN: true, min: Math.fround(-largest), max: Math.fround(largest) });
    fc.assert(fc.property(fc.array(number, { minLength: 8, maxLength: 8 }), (values) => {
      const floats = Float32Array.of(...values, largest, -largest);
      const bytes = fromFloat32(floats, dtype);
      refuseNonFinite(new Uint32Array(Uint8Array.from(bytes).buffer), tensor(dtype));
      assert.equal(toFiniteFloat32(bytes, tensor(dtype)).length, 10);
    }));
  });
}

Deno.test("toFiniteFloat32() names what does not fit f32", () => {
  const bytes = new Uint8Array(Float64Array.of(1, 1e300).buffer);
  assertFileError(() => toFiniteFloat32(bytes, tensor("F64")), "element 1 is NaN or infinite");
});
