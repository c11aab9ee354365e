// adafactor: what the kernels of Adafactor share: their settings, and where a matrix has its numbers.
// The kernel declares the bindings step and norm. A line is a row or a column; LANES invocations share
// it out, and 64 / LANES lines are in a workgroup.
struct Step {
  rate: f32,
  beta: f32,  // 1 - t^-0.8, t = 1 at the first update
  rest: f32,  // t^-0.8
  epsilon: f32,
  clip: f32,
}

override ROWS: u32;
override COLUMNS: u32;
override BLOCKS: bool;  // 4x4 blocks in row-major order, or rows
override LANES: u32;

var<workgroup> parts: array<f32, 64>;

fn at(row: u32, column: u32) -> u32 {
  let block = row / 4 * (COLUMNS / 4) + column / 4;
  return select(row * COLUMNS + column, block * 16 + row % 4 * 4 + column % 4, BLOCKS);
}

/** min(1, clip / (sqrt(norm) + 1e-6)); 1 for a clip of 0. */
fn clipping() -> f32 {
  return select(1.0, min(1, step.clip / (sqrt(norm[0]) + 1e-6)), step.clip > 0);
}

/** The sum of x over the lanes of a line, for its first one. */
fn sum_of_line(x: f32, lane: u32) -> f32 {
  parts[lane] = x;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane % LANES < half) { parts[lane] += parts[lane + half]; }
  }
  return parts[lane];
}
