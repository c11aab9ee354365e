// adafactor_squares: the size of an update by Adafactor, before it is scaled by what its rows have in the mean
//
//   y[i] = sum over j of g[i, j]^2 / columns[j] / rows[i]
//
//   y     [ROWS]           write        columns  [COLUMNS]  read        norm  [1]   read, see adamw
//   grad  [ROWS, COLUMNS]  read         rows     [ROWS]     read        step  Step  read
//
// Dispatch: 64 / LANES rows a workgroup. COLUMNS < 65,535 * LANES.
// Twin: src/reference/adafactor.ts

@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@group(0) @binding(1) var<storage, read> grad: array<f32>;
@group(0) @binding(2) var<storage, read> rows: array<f32>;
@group(0) @binding(3) var<storage, read> columns: array<f32>;
@group(0) @binding(4) var<storage, read> step: Step;
@group(0) @binding(5) var<storage, read> norm: array<f32>;

#import adafactor

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let i = (group.x + group.y * groups.x) * (64 / LANES) + lane / LANES;
  let length = select(0, COLUMNS, i < ROWS);
  let scale = clipping();

  var squares = 0.0;
  for (var j = lane % LANES; j < length; j += LANES) {
    let g = scale * grad[at(i, j)];
    squares += g * g / columns[j];
  }
  let sum = sum_of_line(squares, lane);
  if (i < ROWS && lane % LANES == 0) { y[i] = sum / rows[i]; }
}
