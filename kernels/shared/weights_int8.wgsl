// weights: block number `block` of a matrix of signed bytes, times the largest magnitude of a row, f32,
// beside each 64 of its columns, / 127; [i] is row i of the block.
//
//   words   [rows * columns / 256, 17]   read: 16 blocks of a word, a row in 32 bits, the first number
//           lowest, then the magnitudes of the four rows
//
#import words

fn signed(row: u32) -> vec4f {
  return vec4f(bitcast<vec4i>(vec4u(row << 24, row << 16, row << 8, row)) >> vec4u(24));
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 17;
  let q = word(unit + block % 16);
  let largest = bitcast<vec4f>(word(unit + 16));
  let step = 0.007874015718698502;
  return mat4x4f(
    largest.x * signed(q.x) * step,
    largest.y * signed(q.y) * step,
    largest.z * signed(q.z) * step,
    largest.w * signed(q.w) * step,
  );
}
