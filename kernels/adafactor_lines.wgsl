// adafactor_lines: what Adafactor keeps of a matrix (Shazeer and Stern 2018), a number a row or a column
//
//   g = grad * min(1, clip / (sqrt(norm) + 1e-6))           clip = 0: g = grad
//   v[i] = beta * v[i] + rest * (sum of g[i, j]^2 / USED + epsilon)         BY_COLUMN: g[j, i]
//
//   v     [ROWS], BY_COLUMN [COLUMNS]  read and write       step    Step  read
//   grad  [ROWS, COLUMNS]              read                 norm    [1]   read, see adamw
//                                                           halted  [1]   read: not 0 leaves v as it is
//
// Dispatch: 64 / LANES lines a workgroup. ROWS, COLUMNS < 65,535 * LANES.
// Twin: src/reference/adafactor.ts

override BY_COLUMN: bool;
override USED: u32;

@group(0) @binding(0) var<storage, read_write> v: array<f32>;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read> step: Step;
@group(0) @binding(3) var<storage, read> norm: array<f32>;
@group(0) @binding(4) var<storage, read> halted: array<u32>;

#import adafactor

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * (64 / LANES) + lane / LANES;
  let isLine = i < select(ROWS, COLUMNS, BY_COLUMN) && halted[0] == 0;
  let length = select(0, select(COLUMNS, ROWS, BY_COLUMN), isLine);
  let scale = clipping();

  var squares = 0.0;
  for (var j = lane % LANES; j < length; j += LANES) {
    let g = scale * grad[select(at(i, j), at(j, i), BY_COLUMN)];
    squares += g * g;
  }
  let sum = sum_of_line(squares, lane);
  if (isLine && lane % LANES == 0) {
    v[i] = step.beta * v[i] + step.rest * (sum / f32(USED) + step.epsilon);
  }
}
