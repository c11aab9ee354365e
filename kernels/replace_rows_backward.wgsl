// replace_rows_backward: drows[j] = SCALE * sum of dx[t] over the tokens t that are ids[j]
//
//   dx    [T, D]  read     token  [T]  read
//   drows [N, D]  write    ids    [N]  read, no id twice; 0xffffffff is none
//
// No two invocations write one place, and sums go over t in order.
// Dispatch: ceil(N * D / 256) workgroups, four numbers an invocation. D % 4 == 0.
// Twin: src/reference/replace_rows.ts

override T: u32;
override D: u32;
override N: u32;
override SCALE: f32 = 1;

@group(0) @binding(0) var<storage, read_write> drows: array<vec4f>;
@group(0) @binding(1) var<storage, read> dx: array<vec4f>;
@group(0) @binding(2) var<storage, read> token: array<u32>;
@group(0) @binding(3) var<storage, read> ids: array<u32>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = id.x + id.y * groups.x * WORKGROUP;
  let j = at / (D / 4);
  if (j >= N) { return; }
  var sum = vec4f();
  for (var t = 0u; t < T; t++) {
    if (token[t] == ids[j]) { sum += dx[t * (D / 4) + at % (D / 4)]; }
  }
  drows[at] = SCALE * sum;
}
