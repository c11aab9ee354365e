// accumulate: sum = grad in the first micro-batch of an update, sum + grad in the later ones
//
//   grad   [N]  read
//   first  [1]  read, not 0 in the first micro-batch: what sum held, NaN included, is forgotten
//   sum    [N]  read and write, in place
//
// Dispatch: N / 16 invocations, 16 elements each. N % 4 == 0.
// Twin: test/reference/accumulate.ts

override N: u32;

@group(0) @binding(0) var<storage, read> grad: array<vec4f>;
@group(0) @binding(1) var<storage, read> first: array<u32>;
@group(0) @binding(2) var<storage, read_write> sum: array<vec4f>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let begin = 4 * (id.x + id.y * groups.x * WORKGROUP);
  let fresh = first[0] != 0;
  for (var i = begin; i < min(begin + 4, N / 4); i++) {
    sum[i] = select(sum[i], vec4f(0), fresh) + grad[i];
  }
}
