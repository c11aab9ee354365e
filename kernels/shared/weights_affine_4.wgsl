// weights: block number `block` of a matrix of four bits, times an f32 scale, plus an f32 bias, for each
// row of 64 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 10]   read: 16 blocks of half a word, then the
//           scales of the four rows, then their biases (see affine)
//
#import words
#import affine

fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 10;
  let at = block % 16;
  return affine(fours(unit, at), unit + 8);
}
