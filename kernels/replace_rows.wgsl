// replace_rows: x[t] = SCALE * rows[j] where token[t] == ids[j]; other rows of x stay
//
//   x     [T, D]  read and write, in place     token  [T]  read
//   rows  [N, D]  read                         ids    [N]  read, no id twice; 0xffffffff is none
//
// Dispatch: T invocations, one row each. D % 4 == 0.
// Twin: src/reference/replace_rows.ts

override T: u32;
override D: u32;
override N: u32;
override SCALE: f32 = 1;

@group(0) @binding(0) var<storage, read_write> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> rows: array<vec4f>;
@group(0) @binding(2) var<storage, read> token: array<u32>;
@group(0) @binding(3) var<storage, read> ids: array<u32>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let t = id.x + id.y * groups.x * 8;
  if (t >= T) { return; }
  var j = 0u;
  for (; j < N; j++) {
    if (ids[j] == token[t]) { break; }
  }
  if (j == N) { return; }
  for (var c = 0u; c < D / 4; c++) {
    x[t * (D / 4) + c] = SCALE * rows[j * (D / 4) + c];
  }
}
