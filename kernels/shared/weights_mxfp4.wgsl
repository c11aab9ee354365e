// weights: block number `block` of a matrix of E2M1 numbers (src/formats/groups/mxfp4.ts), times a power
// of two, E8M0, for each row of 32 columns; [i] is row i of the block.
//
//   words   [rows * columns / 512, 17]   read: 32 blocks of half a word, a row in 16 bits, the first
//           code lowest, then for each eight blocks a byte a row: the exponents plus 127
//
#import words

fn doubled(row: u32) -> vec4f {
  let code = vec4u(row, row >> 4, row >> 8, row >> 12);
  let low = code & vec4u(1);
  let exponent = (code >> vec4u(1)) & vec4u(3);
  // 0 and 1; 2 and 3, 4 and 6, 8 and 12.
  let one = select((vec4u(2) + low) << (exponent - vec4u(1)), low, exponent == vec4u(0));
  return select(vec4f(one), -vec4f(one), (code & vec4u(8)) != vec4u(0));
}
fn half_of(power: u32) -> f32 {
  return bitcast<f32>(select((power - 1) << 23, 0x200000u << power, power < 2));
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 32 * 17;
  let at = block % 32;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let powers = word(unit + 16);
  let cells = select(powers.zw, powers.xy, at < 16);
  let rows = select(cells.y, cells.x, at % 16 < 8);
  return mat4x4f(
    half_of(rows & 255) * doubled(q.x),
    half_of((rows >> 8) & 255) * doubled(q.x >> 16),
    half_of((rows >> 16) & 255) * doubled(q.y),
    half_of(rows >> 24) * doubled(q.y >> 16),
  );
}
