// adafactor_apply: one update of a matrix by Adafactor (Shazeer and Stern 2018)
//
//   r = RATE * rate
//   p = p * (1 - r * DECAY) - r * scale * g / sqrt(rows[i] * columns[j])
//
//   p        [ROWS, COLUMNS]  read and write, in place      scale   [1]   read, see adafactor_scale
//   grad     [ROWS, COLUMNS]  read                          step    Step  read
//   rows     [ROWS]           read                          norm    [1]   read, see adamw
//   columns  [COLUMNS]        read                          halted  [1]   read: not 0 leaves p as it is
//
// Dispatch: an invocation a number.
// Twin: src/reference/adafactor.ts

override RATE: f32;
override DECAY: f32;

@group(0) @binding(0) var<storage, read_write> p: array<f32>;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read> columns: array<f32>;
@group(0) @binding(4) var<storage, read> scale: array<f32>;
@group(0) @binding(5) var<storage, read> step: Step;
@group(0) @binding(6) var<storage, read> norm: array<f32>;
@group(0) @binding(7) var<storage, read> halted: array<u32>;

#import adafactor

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 64;
  if (halted[0] != 0 || index >= ROWS * COLUMNS) { return; }
  let i = index / COLUMNS;
  let j = index % COLUMNS;
  let rate = RATE * step.rate;
  let u = clipping() * grad[at(i, j)] * (scale[0] / sqrt(rows[i])) / sqrt(columns[j]);
  p[at(i, j)] = p[at(i, j)] * (1 - rate * DECAY) - rate * u;
}
