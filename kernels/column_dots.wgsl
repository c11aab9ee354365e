// column_dots: y[p, c] = sum over t of a[t, c] * b[t, c], t in the p-th of PARTS ranges of rows
//
//   a  [ROWS, D]  read        y  [PARTS, D]  write
//   b  [ROWS, D]  read
//
// The parts are added up by sum_rows.
// Dispatch: PARTS * D / 4 invocations, 4 columns of one range each. D % 4 == 0.
// Twin: src/reference/scale_columns.ts

override ROWS: u32;
override D: u32;
override PARTS: u32;

@group(0) @binding(0) var<storage, read> a: array<vec4f>;
@group(0) @binding(1) var<storage, read> b: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * 8;
  let part = index / (D / 4);
  let c = index % (D / 4);
  if (part >= PARTS) { return; }
  let rows = (ROWS + PARTS - 1) / PARTS;

  var sum = vec4f();
  for (var row = part * rows; row < min((part + 1) * rows, ROWS); row++) {
    sum += a[row * (D / 4) + c] * b[row * (D / 4) + c];
  }
  y[index] = sum;
}
