// muon_apply: the update of a matrix by what Newton and Schulz' steps made of its Gram matrix
//
//   o = n u / max(sqrt(trace(g)), 1e-7)                     TALL: u n / ...
//   p = p * (1 - RATE * rate * DECAY) - RATE * rate * SIZE * o
//
//   p     [R, L], TALL [L, R]  read and write, in place        step    Step  read
//   u     the same             read                            halted  [1]   read: not 0 leaves p as it is
//   g, n  [R, R]               read
//
// Dispatch: R * L / 4 invocations. R % 4 == 0, L % 4 == 0.
// Twin: src/reference/muon.ts

struct Step {
  rate: f32,
  momentum: f32,
  rest: f32,
  clip: f32,
}

override R: u32;
override L: u32;
override TALL: bool;
override RATE: f32;
override DECAY: f32;
override SIZE: f32;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> u: array<vec4f>;
@group(0) @binding(2) var<storage, read> g: array<vec4f>;
@group(0) @binding(3) var<storage, read> n: array<vec4f>;
@group(0) @binding(4) var<storage, read> step: Step;
@group(0) @binding(5) var<storage, read> halted: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64;
  if (halted[0] != 0 || index >= R * L / 4) { return; }
  let width = select(L, R, TALL) / 4;
  let row = index / width;
  let column = index % width;
  var trace = 0.0;
  var o = vec4f(0);
  for (var c = 0u; c < R; c++) {
    trace += g[(c * R + c) / 4][c % 4];
    if (TALL) {
      o += u[(row * R + c) / 4][c % 4] * n[c * R / 4 + column];
    } else {
      o += n[(row * R + c) / 4][c % 4] * u[c * L / 4 + column];
    }
  }
  let rate = RATE * step.rate;
  p[index] = p[index] * (1 - rate * DECAY) - rate * SIZE / max(sqrt(trace), 1e-7) * o;
}
