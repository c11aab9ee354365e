import assert from "node:assert/strict";
import fc from "fast-check";
import { TempFile } from "../../src/io/temp_file.ts";

Deno.test("TempFile gives back any stretch of what was written, while more is to come (property)", () => {
  const size = fc.oneof(fc.nat(9), fc.nat(1 << 19)); // the buffer has 2^18 bytes
  fc.assert(
    fc.property(fc.array(fc.tuple(size, fc.nat(), fc.nat()), { maxLength: 12 }), (specs) => {
      using spool = new TempFile("tests");
      const byteAt = (place: number) => place % 251;
      for (const [length, begin, count] of specs) {
        const before = spool.length;
        spool.write(new Uint8Array(length).map((_, j) => byteAt(before + j)));
        assert.equal(spool.length, before + length);
        const from = begin % (spool.length + 1);
        const into = new Uint8Array(count % (spool.length - from + 1));
        assert.ok(spool.read(from, into).every((byte, j) => byte === byteAt(from + j)));
      }
    }),
    { numRuns: 15 },
  );
});

Deno.test("TempFile says what there was where more is asked for than was written", () => {
  using spool = new TempFile("tests");
  spool.write(Uint8Array.of(1, 2, 3));
  assert.throws(() => spool.read(1, new Uint8Array(3)), {
    name: "FileError",
    message: /it ends at byte 3, wanted 4$/,
  });
});
