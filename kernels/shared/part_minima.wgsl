// steps_and_minima: what codes of a part of 32 columns are times and less, [0] and [1], a row in each
// component (src/formats/super_blocks/minima.ts).
//
//   words from `at` on   [4]   read: for each of eight parts a u32, a row in a byte, the scale in six
//                        bits below the two low bits of the minimum; for each part the rest of the
//                        minima in 16 bits, a row in four; for each row its f16 scales, that of the
//                        minima high
//
fn steps_and_minima(at: u32, part: u32) -> mat2x4f {
  let four = word(at + part / 4);
  let two = select(four.zw, four.xy, part % 4 < 2);
  let bytes = select(two.y, two.x, part % 2 == 0);
  let eight = word(at + 2);
  let halves = select(eight.zw, eight.xy, part < 4);
  let high = select(halves.y, halves.x, part % 4 < 2) >> (part % 2 * 16);
  let rows = vec4u(bytes, bytes >> 8, bytes >> 16, bytes >> 24);
  let above = vec4u(high << 2, high >> 2, high >> 6, high >> 10) & vec4u(60);
  let ends = word(at + 3);
  let x = unpack2x16float(ends.x);
  let y = unpack2x16float(ends.y);
  let z = unpack2x16float(ends.z);
  let w = unpack2x16float(ends.w);
  return mat2x4f(
    vec4f(x.x, y.x, z.x, w.x) * vec4f(rows & vec4u(63)),
    vec4f(x.y, y.y, z.y, w.y) * vec4f(((rows >> vec4u(6)) & vec4u(3)) | above),
  );
}
