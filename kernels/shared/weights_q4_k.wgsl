// weights: block number `block` of a matrix of four bits, times a scale, less a minimum, of each row
// of 32 columns: six bits each, times an f16 scale of 256 columns; [i] is row i of the block.
//
//   words   [rows * columns / 1024, 36]   read: 64 blocks of half a word, a row in 16 bits, the first
//           number lowest, then the minima (see part_minima)
//
#import words
#import part_minima

fn nibbles(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15));
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 64 * 36;
  let at = block % 64;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let rows = steps_and_minima(unit + 32, at / 8);
  let step = rows[0];
  let least = rows[1];
  return mat4x4f(
    step.x * nibbles(q.x) - least.x,
    step.y * nibbles(q.x >> 16) - least.y,
    step.z * nibbles(q.y) - least.z,
    step.w * nibbles(q.y >> 16) - least.w,
  );
}
