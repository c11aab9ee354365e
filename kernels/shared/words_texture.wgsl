// words: how a kernel reads a matrix in 4x4 blocks; here through a texture (see texel).
//
//   word(at)   16 bytes, number `at` of the matrix, for a weight format to unpack
//
#import texel
@group(1) @binding(0) var words: texture_storage_2d<rgba32uint, read>;

fn word(at: u32) -> vec4u {
  return textureLoad(words, texel(at));
}
