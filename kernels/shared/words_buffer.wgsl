// words: how a kernel reads a matrix in 4x4 blocks; here out of a storage buffer.
//
//   word(at)   16 bytes, number `at` of the matrix, for a weight format to unpack
//
@group(1) @binding(0) var<storage, read> words: array<vec4u>;

fn word(at: u32) -> vec4u {
  return words[at];
}
