// weights: block number `block` of a matrix of five bits, times an f16 scale, plus an f16 minimum,
// for each row of 32 columns; [i] is row i of the block.
//
//   words   [rows * columns / 128, 6]   read: 8 blocks of half a word, the low bits of a row in 16
//           bits, the first number lowest, then the fifth bits of each block in 16 bits, a row in
//           four, then the scales of the four rows in xy and their minima in zw
//
#import words

fn fives(row: u32, fifths: u32) -> vec4f {
  let low = vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15);
  let high = vec4u(fifths << 4, fifths << 3, fifths << 2, fifths << 1) & vec4u(16);
  return vec4f(low | high);
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 8 * 6;
  let at = block % 8;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let eight = word(unit + 4);
  let four = select(eight.zw, eight.xy, at < 4);
  let fifths = select(four.y, four.x, at % 4 < 2) >> (at % 2 * 16);
  let ends = word(unit + 5);
  let low = unpack2x16float(ends.x);
  let high = unpack2x16float(ends.y);
  let least_low = unpack2x16float(ends.z);
  let least_high = unpack2x16float(ends.w);
  return mat4x4f(
    low.x * fives(q.x, fifths) + least_low.x,
    low.y * fives(q.x >> 16, fifths >> 4) + least_low.y,
    high.x * fives(q.y, fifths >> 8) + least_high.x,
    high.y * fives(q.y >> 16, fifths >> 12) + least_high.y,
  );
}
