import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Dtype,
  fromFloat32,
  overflowsAt,
  toFloat32,
} from "../../src/io/safetensors/safetensors.ts";

const FLOATS: Dtype[] = ["F32", "F16", "BF16", "F64"];

Deno.test("fromFloat32() then toFloat32() gives back every value of the element type", () => {
  for (const dtype of ["F16", "BF16"] as const) {
    const all = new Uint8Array(new Uint16Array(1 << 16).map((_, i) => i).buffer);
    const values = toFloat32(all, dtype);
    const again = toFloat32(fromFloat32(values, dtype), dtype);
    // As lists, because typed arrays are compared by bytes and a NaN has many.
    assert.deepEqual([...again], [...values], dtype);
  }
});

Deno.test("fromFloat32() keeps f32 values in F32 and F64", () => {
  fc.assert(fc.property(fc.float32Array(), (values) => {
    for (const dtype of ["F32", "F64"] as const) {
      assert.deepEqual(toFloat32(fromFloat32(values, dtype), dtype), new Float32Array(values));
    }
  }));
});

Deno.test("fromFloat32() rounds to a nearest value, to the even one in a tie", () => {
  fc.assert(
    fc.property(fc.constantFrom("F16", "BF16"), fc.float(), (dtype, value) => {
      const bits = new Uint16Array(fromFloat32(Float32Array.of(value), dtype).buffer)[0]!;
      const [below, found, above] = [bits - 1, bits, bits + 1].map((b) => {
        return toFloat32(new Uint8Array(Uint16Array.of(b).buffer), dtype)[0]!;
      }) as [number, number, number];
      if (Number.isNaN(value)) return assert.ok(Number.isNaN(found));
      if (!Number.isFinite(found)) return assert.ok(Math.abs(value) >= overflowsAt(dtype));
      for (const other of [below, above].filter(Number.isFinite)) {
        const distance = Math.abs(value - found);
        const otherDistance = Math.abs(value - other);
        assert.ok(distance <= otherDistance);
        if (distance === otherDistance && found !== other) assert.equal(bits % 2, 0);
      }
    }),
    { numRuns: 2000 },
  );
});

Deno.test("fromFloat32() rounds ties in BF16 to even", () => {
  // Steps of BF16 above 1 are 2^-7, so that odd multiples of 2^-8 lie in the middle.
  const values = Float32Array.of(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20);
  const rounded = toFloat32(fromFloat32(values, "BF16"), "BF16");
  assert.deepEqual([...rounded], [1, 1 + 2 ** -6, 1 + 2 ** -7]);
});

Deno.test("fromFloat32() keeps NaN, whatever its payload, and infinity", () => {
  const values = new Float32Array(
    Uint32Array.of(0x7f800001, 0x7fffffff, 0xffc00000, 0x7f800000, 0xff800000).buffer,
  );
  for (const dtype of FLOATS) {
    const found = [...toFloat32(fromFloat32(values, dtype), dtype)];
    assert.deepEqual(found, [NaN, NaN, NaN, Infinity, -Infinity], dtype);
  }
});

Deno.test("overflowsAt() is the smallest value that becomes infinite", () => {
  for (const dtype of ["F16", "BF16"] as const) {
    const limit = Float32Array.of(overflowsAt(dtype));
    assert.equal(toFloat32(fromFloat32(limit, dtype), dtype)[0], Infinity);
    const below = new Float32Array(Uint32Array.of(new Uint32Array(limit.buffer)[0]! - 1).buffer);
    assert.ok(Number.isFinite(toFloat32(fromFloat32(below, dtype), dtype)[0]));
  }
});

Deno.test("toFloat32() reads bytes at an odd offset", () => {
  const bytes = new Uint8Array(9);
  bytes.set(fromFloat32(Float32Array.of(1.5, -2), "F32"), 1);
  assert.deepEqual(toFloat32(bytes.subarray(1), "F32"), Float32Array.of(1.5, -2));
});

Deno.test("toFloat32() and fromFloat32() refuse what is not a float", () => {
  assert.throws(() => toFloat32(new Uint8Array(8), "I64"), TypeError);
  assert.throws(() => fromFloat32(new Float32Array(1), "U8"), TypeError);
  assert.throws(() => toFloat32(new Uint8Array(7), "F32"), /7 bytes of F32.*multiple of 4/);
});
