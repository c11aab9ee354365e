// adafactor_scale: what all numbers of an update by Adafactor are multiplied by
//
//   mean = sum of rows / USED
//   scale = sqrt(mean) / max(1, sqrt(mean * (sum of squares) / COUNT))
//
//   scale  [1]     write        rows     [ROWS]  read
//                               squares  [ROWS]  read, see adafactor_squares
//
// Dispatch: one workgroup of LANES invocations. ROWS < 65,535 * LANES.
// Twin: src/reference/adafactor.ts

#import reduce

override ROWS: u32;
override USED: u32;
override COUNT: f32;

@group(0) @binding(0) var<storage, read_write> scale: array<f32>;
@group(0) @binding(1) var<storage, read> rows: array<f32>;
@group(0) @binding(2) var<storage, read> squares: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
  var sums = vec2f(0);
  for (var i = lane; i < ROWS; i += LANES) { sums += vec2f(rows[i], squares[i]); }
  let mean = reduce(sums.x, lane) / f32(USED);
  workgroupBarrier();
  let size = reduce(sums.y, lane) / COUNT;
  if (lane == 0) { scale[0] = sqrt(mean) / max(1, sqrt(mean * size)); }
}
