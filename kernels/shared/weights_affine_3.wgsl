// weights: block number `block` of a matrix of three bits, times an f32 scale, plus an f32 bias, for each
// row of 64 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 8]   read: 16 blocks of the two low bits, then 16 of the third, then the
//           scales of the four rows, then their biases (see affine)
//
#import words
#import affine

fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 8;
  let at = block % 16;
  return affine(pairs(unit, at) + 4 * ones(unit + 4, at), unit + 6);
}
