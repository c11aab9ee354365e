// column_squares: sum[c] = sum[c] + sum over t < used of x[t, c]^2
//
//   x     [T, D]  read        sum  [D]  read and write, in place
//   used  [1]     read
//
// Dispatch: D / 4 invocations, 4 columns each. D % 4 == 0, T < 65,536.
// Twin: src/reference/column_squares.ts

override T: u32;
override D: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> used: array<u32>;
@group(0) @binding(2) var<storage, read_write> sum: array<vec4f>;

const WORKGROUP = 8u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let c = id.x + id.y * groups.x * WORKGROUP;
  if (c >= D / 4) { return; }
  var squares = vec4f();
  for (var t = 0u; t < min(used[0], T); t++) {
    squares += x[t * (D / 4) + c] * x[t * (D / 4) + c];
  }
  sum[c] += squares;
}
