// matrices: how a kernel reads its f32 matrices; here out of storage buffers.
//
//   matrixI(at)          vec4 number `at` of binding I, for I = 1, 2 and 3
//   blockI(at, stride)   four of them, `stride` apart: [i] is row i of a 4x4 block
//
@group(0) @binding(1) var<storage, read> buffer1: array<vec4f>;
@group(0) @binding(2) var<storage, read> buffer2: array<vec4f>;
@group(0) @binding(3) var<storage, read> buffer3: array<vec4f>;

fn matrix1(at: u32) -> vec4f {
  return buffer1[at];
}
fn block1(at: u32, stride: u32) -> mat4x4f {
  return mat4x4f(
    matrix1(at), matrix1(at + stride), matrix1(at + 2 * stride), matrix1(at + 3 * stride));
}
fn matrix2(at: u32) -> vec4f {
  return buffer2[at];
}
fn block2(at: u32, stride: u32) -> mat4x4f {
  return mat4x4f(
    matrix2(at), matrix2(at + stride), matrix2(at + 2 * stride), matrix2(at + 3 * stride));
}
fn matrix3(at: u32) -> vec4f {
  return buffer3[at];
}
fn block3(at: u32, stride: u32) -> mat4x4f {
  return mat4x4f(
    matrix3(at), matrix3(at + stride), matrix3(at + 2 * stride), matrix3(at + 3 * stride));
}
