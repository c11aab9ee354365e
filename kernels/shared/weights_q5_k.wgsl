// weights: block number `block` of a matrix of five bits, times a scale, less a minimum, of each row
// of 32 columns: six bits each, times an f16 scale of 256 columns; [i] is row i of the block.
//
//   words   [rows * columns / 1024, 44]   read: 64 blocks of half a word, the low bits of a row in 16
//           bits, the first number lowest, then the fifth bits of each block in 16 bits, a row in
//           four, then the minima (see part_minima)
//
#import words
#import part_minima

fn fives(row: u32, fifths: u32) -> vec4f {
  let low = vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15);
  let high = vec4u(fifths << 4, fifths << 3, fifths << 2, fifths << 1) & vec4u(16);
  return vec4f(low | high);
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 64 * 44;
  let at = block % 64;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let eight = word(unit + 32 + at / 8);
  let four = select(eight.zw, eight.xy, at % 8 < 4);
  let fifths = select(four.y, four.x, at % 4 < 2) >> (at % 2 * 16);
  let rows = steps_and_minima(unit + 40, at / 8);
  let step = rows[0];
  let least = rows[1];
  return mat4x4f(
    step.x * fives(q.x, fifths) - least.x,
    step.y * fives(q.x >> 16, fifths >> 4) - least.y,
    step.z * fives(q.y, fifths >> 8) - least.z,
    step.w * fives(q.y >> 16, fifths >> 12) - least.w,
  );
}
