// embed: x[t] = SCALE * table[token[t]], for the tokens in ROW0 .. ROW0 + ROWS - 1
//
//   token  [T]     read        table  [ROWS, D]  read, in 4x4 blocks, from row ROW0 on
//   x      [T, D]  write
//
// A table over the binding limit takes one dispatch for each range of its rows; a token outside the
// range leaves its row of x alone. SCALE is 1, or sqrt(D) for Gemma.
// Dispatch: T invocations, one row each. D % 4 == 0, ROW0 % 4 == 0.
// Twin: test/reference/embed.ts

#import weights

override T: u32;
override D: u32;
override ROW0: u32 = 0;
override ROWS: u32;
override SCALE: f32 = 1;

@group(0) @binding(0) var<storage, read> token: array<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<vec4f>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.x;
  if (t >= T || token[t] < ROW0 || token[t] >= ROW0 + ROWS) { return; }
  let row = token[t] - ROW0;
  // A product with a unit vector picks the row: indexing a matrix at run time spills it to memory.
  let pick = select(vec4f(0), vec4f(1), vec4u(row % 4) == vec4u(0, 1, 2, 3));
  for (var c = 0u; c < D / 4; c++) {
    x[t * (D / 4) + c] = SCALE * (weights(row / 4 * (D / 4) + c) * pick);
  }
}
