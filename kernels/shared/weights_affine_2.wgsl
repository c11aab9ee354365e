// weights: block number `block` of a matrix of two bits, times an f32 scale, plus an f32 bias, for each
// row of 64 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 6]   read: 16 blocks of a quarter of a word, then the
//           scales of the four rows, then their biases (see affine)
//
#import words
#import affine

fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 6;
  let at = block % 16;
  return affine(pairs(unit, at), unit + 4);
}
