// weights: block number `block` of a matrix of eight bits, times an f32 scale, plus an f32 bias, for each
// row of 64 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 18]   read: 16 blocks of a word, then the
//           scales of the four rows, then their biases (see affine)
//
#import words
#import affine

fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 18;
  let at = block % 16;
  return affine(bytes(unit, at), unit + 16);
}
