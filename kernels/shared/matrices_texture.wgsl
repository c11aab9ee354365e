// matrices: how a kernel reads its f32 matrices; here through textures (see texel).
//
//   matrixI(at)          vec4 number `at` of binding I, for I = 1, 2 and 3
//   blockI(at, stride)   four of them, `stride` apart: [i] is row i of a 4x4 block
//
#import texel
@group(0) @binding(1) var texture1: texture_storage_2d<rgba32float, read>;
@group(0) @binding(2) var texture2: texture_storage_2d<rgba32float, read>;
@group(0) @binding(3) var texture3: texture_storage_2d<rgba32float, read>;

fn matrix1(at: u32) -> vec4f {
  return textureLoad(texture1, texel(at));
}
fn block1(at: u32, stride: u32) -> mat4x4f {
  return mat4x4f(
    matrix1(at), matrix1(at + stride), matrix1(at + 2 * stride), matrix1(at + 3 * stride));
}
fn matrix2(at: u32) -> vec4f {
  return textureLoad(texture2, texel(at));
}
fn block2(at: u32, stride: u32) -> mat4x4f {
  return mat4x4f(
    matrix2(at), matrix2(at + stride), matrix2(at + 2 * stride), matrix2(at + 3 * stride));
}
fn matrix3(at: u32) -> vec4f {
  return textureLoad(texture3, texel(at));
}
fn block3(at: u32, stride: u32) -> mat4x4f {
  return mat4x4f(
    matrix3(at), matrix3(at + stride), matrix3(at + 2 * stride), matrix3(at + 3 * stride));
}
