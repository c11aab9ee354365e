// probe_texture: y[i] = matrix1[i] + word[i], to see whether an adapter reads textures right
//
//   y  [N, 4]  write
//
// Dispatch: N invocations.
// Twin: src/reference/probe_texture.ts

#import matrices
#import words

override N: u32;

@group(0) @binding(0) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x < N) { y[id.x] = matrix1(id.x) + vec4f(word(id.x)); }
}
