// weights: block number `block` of a matrix of five bits, times an f32 scale, plus an f32 bias, for each
// row of 64 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 12]   read: 16 blocks of the four low bits, then 16 of the fifth, then the
//           scales of the four rows, then their biases (see affine)
//
#import words
#import affine

fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 12;
  let at = block % 16;
  return affine(fours(unit, at) + 16 * ones(unit + 8, at), unit + 10);
}
