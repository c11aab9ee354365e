import assert from "node:assert/strict";
import fc from "fast-check";
import { join } from "node:path";
import {
  type Dtype,
  DTYPE_BYTES,
  openSafetensors,
  type TensorData,
  writeSafetensors,
} from "../../src/io/safetensors/safetensors.ts";
import { assertFileError, namesIn, withFolder } from "./helpers.ts";

Deno.test("openSafetensors() refuses a missing file and a folder", () =>
  withFolder((folder) => {
    assertFileError(
      () => openSafetensors(join(folder, "x.safetensors")),
      "x.safetensors",
      "no such",
    );
    assertFileError(() => openSafetensors(folder), folder, "found a folder");
  }));

Deno.test("openSafetensors() refuses a file cut at any byte", () =>
  withFolder((folder) => {
    const path = join(folder, "cut.safetensors");
    writeSafetensors(path, [{ name: "w", dtype: "U8", shape: [9], data: new Uint8Array(9) }]);
    const whole = Deno.readFileSync(path);
    for (let length = 0; length < whole.byteLength; length++) {
      Deno.writeFileSync(path, whole.subarray(0, length));
      assertFileError(() => openSafetensors(path), path);
    }
  }));

Deno.test("openSafetensors() takes names that mean something to JavaScript", () =>
  withFolder((folder) => {
    const path = join(folder, "names.safetensors");
    const names = ["__proto__", "constructor", "toString", "7", ""];
    const tensors = names.map((name, i): TensorData => {
      return { name, dtype: "U8", shape: [1], data: Uint8Array.of(i) };
    });
    writeSafetensors(path, tensors, { "__proto__x": "y" });
    using file = openSafetensors(path);
    for (const [i, name] of names.entries()) assert.deepEqual(file.read(name), Uint8Array.of(i));
    assert.throws(() => file.read("valueOf"), /no tensor "valueOf"/);
  }));

Deno.test("writeSafetensors() then openSafetensors() gives back names, shapes and bytes", () => {
  const dtype = fc.constantFrom(...Object.keys(DTYPE_BYTES) as Dtype[]);
  const shape = fc.array(fc.nat(4), { maxLength: 3 });
  const tensor = fc.record({
    name: fc.string({ unit: "binary" }),
    dtype,
    shape,
    byte: fc.nat(255),
  });
  const tensors = fc.uniqueArray(tensor, {
    selector: ({ name }) => name,
    maxLength: 6,
  }).filter((list) => list.every(({ name }) => name !== "__metadata__"));
  withFolder((folder) => {
    const path = join(folder, "round.safetensors");
    fc.assert(fc.property(tensors, fc.boolean(), (tensors, streamed) => {
      const given = tensors.map(({ name, dtype, shape, byte }): TensorData => {
        const bytes = shape.reduce((a, b) => a * b, DTYPE_BYTES[dtype]);
        const finite = /^B?F/.test(dtype) ? 0x3f : 0xff; // no exponent has all bits set
        const data = new Uint8Array(bytes).map((_, i) => (byte + i) & finite);
        const halves = () => [data.subarray(0, 1), data.subarray(1)];
        return { name, dtype, shape, data: streamed ? halves : data };
      });
      writeSafetensors(path, given, { format: "pt" });
      using file = openSafetensors(path);
      assert.deepEqual({ ...file.metadata }, { format: "pt" });
      assert.equal(file.tensors.size, given.length);
      for (const { name, dtype, shape, data } of given) {
        const found = file.tensors.get(name)!;
        assert.deepEqual([found.dtype, found.shape], [dtype, shape]);
        const pieces = typeof data === "function" ? [...data()] : [data];
        assert.deepEqual([...file.read(name)], pieces.flatMap((piece) => [...piece]));
      }
    }));
  });
});

Deno.test("writeSafetensors() aligns the data to 8 bytes and keeps the order given", () =>
  withFolder((folder) => {
    const path = join(folder, "aligned.safetensors");
    const tensor = (name: string) =>
      ({ name, dtype: "U8", shape: [3], data: Uint8Array.of(1, 2, 3) }) as const;
    writeSafetensors(path, [tensor("b"), tensor("a")]);
    using file = openSafetensors(path);
    assert.deepEqual([...file.tensors.keys()], ["b", "a"]);
    assert.equal(file.tensors.get("b")!.begin % 8, 0);
    assert.equal(file.tensors.get("a")!.begin, file.tensors.get("b")!.begin + 3);
  }));

Deno.test("writeSafetensors() leaves the old file and nothing else when it fails", () =>
  withFolder((folder) => {
    const path = join(folder, "w.safetensors");
    Deno.writeTextFileSync(path, "old");
    const bad = { name: "w", dtype: "F32", shape: [2], data: new Uint8Array(7) } as const;
    assert.throws(() => writeSafetensors(path, [bad]), /tensor "w": found 7 bytes, wanted 8/);
    const good = { ...bad, data: new Uint8Array(8) };
    assert.throws(() => writeSafetensors(path, [good, good]), RangeError);
    const torn = {
      ...bad,
      data: function* () {
        yield new Uint8Array(4);
        throw new Error("torn");
      },
    };
    assert.throws(() => writeSafetensors(path, [torn]), /torn/);
    assert.equal(Deno.readTextFileSync(path), "old");
    assert.deepEqual(namesIn(folder), ["w.safetensors"]);
    assertFileError(() => writeSafetensors(join(path, "below"), [good]), join(path, "below"));
  }));

Deno.test("read() gives ranges, into a buffer of the caller if there is one", () =>
  withFolder((folder) => {
    const path = join(folder, "r.safetensors");
    const data = Uint8Array.of(1, 2, 3, 4, 5);
    writeSafetensors(path, [
      { name: "before", dtype: "U8", shape: [2], data: Uint8Array.of(8, 9) },
      { name: "w", dtype: "U8", shape: [5], data },
    ]);
    using file = openSafetensors(path);
    assert.deepEqual(file.read("w"), data);
    assert.deepEqual(file.read("w", { offset: 3 }), data.subarray(3));
    assert.deepEqual(file.read("w", { offset: 1, length: 2 }), data.subarray(1, 3));
    const into = new Uint8Array(4).fill(7);
    assert.deepEqual([...file.read("w", { offset: 2, length: 3, into })], [3, 4, 5]);
    assert.deepEqual([...into], [3, 4, 5, 7]);
    assert.throws(() => file.read("w", { offset: 4, length: 2 }), /2 bytes at 4 of tensor "w".*5/);
    assert.throws(() => file.read("w", { offset: -1 }), RangeError);
    assert.throws(() => file.read("w", { into }), /into a buffer of 4/);
    assertFileError(() => file.read("v"), path, `no tensor "v"`, `did you mean "w"`);
  }));

Deno.test("read() says so when the file has shrunk", () =>
  withFolder((folder) => {
    const path = join(folder, "shrunk.safetensors");
    writeSafetensors(path, [{ name: "w", dtype: "U8", shape: [8], data: new Uint8Array(8) }]);
    using file = openSafetensors(path);
    const { begin } = file.tensors.get("w")!;
    Deno.truncateSync(path, begin + 3);
    assertFileError(
      () => file.read("w"),
      path,
      `it ends at byte ${begin + 3}, wanted ${begin + 8}`,
    );
  }));

Deno.test("writeSafetensors() refuses NaN and infinity wherever pieces are cut, and leaves the file", () =>
  withFolder((folder) => {
    const path = join(folder, "w.safetensors");
    for (const [dtype, bad] of [["F32", 0x7f80], ["F16", 0x7e00], ["BF16", 0xff80]] as const) {
      for (let at = 0; at < 5; at++) {
        const size = DTYPE_BYTES[dtype];
        const data = new Uint8Array(5 * size);
        new DataView(data.buffer).setUint16((at + 1) * size - 2, bad, true);
        writeSafetensors(path, [{ name: "w", dtype, shape: [5], data: new Uint8Array(5 * size) }]);
        const before = Deno.readFileSync(path);
        for (let cut = 0; cut <= data.length; cut++) {
          const pieces = () => [data.subarray(0, cut), data.subarray(cut)];
          assertFileError(
            () => writeSafetensors(path, [{ name: "w", dtype, shape: [5], data: pieces }]),
            `Cannot write ${path}: element ${at} of tensor "w" is NaN or infinite`,
          );
        }
        assert.deepEqual(Deno.readFileSync(path), before);
        assert.deepEqual(namesIn(folder), ["w.safetensors"]);
      }
    }
  }));
