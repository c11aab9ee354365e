// weights: block number `block` of a matrix of four bits, times an f16 scale, plus an f16 minimum,
// for each row of 32 columns; [i] is row i of the block.
//
//   words   [rows * columns / 128, 5]   read: 8 blocks of half a word, a row in 16 bits, the first
//           number lowest, then the scales of the four rows in xy and their minima in zw
//
#import words

fn nibbles(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15));
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 8 * 5;
  let both = word(unit + block % 8 / 2);
  let q = select(both.zw, both.xy, block % 2 == 0);
  let ends = word(unit + 4);
  let low = unpack2x16float(ends.x);
  let high = unpack2x16float(ends.y);
  let least_low = unpack2x16float(ends.z);
  let least_high = unpack2x16float(ends.w);
  return mat4x4f(
    low.x * nibbles(q.x) + least_low.x,
    low.y * nibbles(q.x >> 16) + least_low.y,
    high.x * nibbles(q.y) + least_high.x,
    high.y * nibbles(q.y >> 16) + least_high.y,
  );
}
