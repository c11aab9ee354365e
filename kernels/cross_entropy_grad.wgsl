// cross_entropy_grad: loss[n] = weight[n] * nll, where
// nll = log(sum(exp(logits[n]))) - logits[n, label[n]],
// and with GRAD dlogits[n] = weight[n] * (softmax(logits[n]) - onehot(label[n]))
//
//   logits  [N, STRIDE]  read and write, in place: becomes dlogits with GRAD, else untouched
//   parts   [N, PARTS]   read, from cross_entropy_parts
//   label   [...]        read from OFFSET on
//   weight  [...]        read from OFFSET on: 1 / supervised tokens, 0 in a padding row
//   loss    [...]        written from OFFSET on
//
// A chunk of N rows; OFFSET is its first row. Columns from V on are padding: their dlogits are 0.
// Every workgroup joins the parts of its row in the same order, so to the same sum.
// Dispatch: (PARTS, N) workgroups, one range of one row each. STRIDE % 4 == 0, V <= STRIDE.
// Twin: test/reference/cross_entropy.ts

override V: u32;
override STRIDE: u32;
override PARTS: u32;
override OFFSET: u32 = 0;
override GRAD: bool = true;
override LANES: u32 = 256;
override LENGTH: u32 = (STRIDE / 4 + PARTS - 1) / PARTS;

@group(0) @binding(0) var<storage, read_write> logits: array<vec4f>;
@group(0) @binding(1) var<storage, read> parts: array<vec2f>;
@group(0) @binding(2) var<storage, read> label: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<f32>;
@group(0) @binding(4) var<storage, read_write> loss: array<f32>;

// log(sum(exp(logits))) of a row.
fn log_sum_of(row: u32) -> f32 {
  var top = parts[row * PARTS].x;
  for (var p = 1u; p < PARTS; p++) {
    top = max(top, parts[row * PARTS + p].x);
  }
  var sum = 0.0;
  for (var p = 0u; p < PARTS; p++) {
    let part = parts[row * PARTS + p];
    sum += part.y * exp(part.x - top);
  }
  return top + log(sum);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) lane: u32) {
  let row = group.y * (STRIDE / 4);
  let n = OFFSET + group.y;
  let w = weight[n];
  let hit = min(label[n], V - 1);
  let log_sum = log_sum_of(group.y);
  let first = group.x * LENGTH;

  for (var c = first + lane; c < min(first + LENGTH, STRIDE / 4); c += LANES) {
    let column = 4 * c + vec4u(0, 1, 2, 3);
    let x = logits[row + c];
    if (c == hit / 4) { loss[n] = w * (log_sum - x[hit % 4]); }
    if (GRAD) {
      let p = select(vec4f(0), exp(x - log_sum), column < vec4u(V));
      logits[row + c] = w * (p - select(vec4f(0), vec4f(1), column == vec4u(hit)));
    }
  }
}
