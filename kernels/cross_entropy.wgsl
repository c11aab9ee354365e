// cross_entropy: loss[n] = weight[n] * nll,  nll = log(sum(exp(logits[n]))) - logits[n, label[n]],
// and with GRAD dlogits[n] = weight[n] * (softmax(logits[n]) - onehot(label[n]))
//
//   logits  [N, STRIDE]  read and write, in place: becomes dlogits with GRAD, else untouched
//   label   [...]        read from OFFSET on
//   weight  [...]        read from OFFSET on: 1 / supervised tokens, 0 in a padding row
//   loss    [...]        written from OFFSET on
//
// A chunk of N rows; OFFSET is its first row. Columns from V on are padding: they are left out
// of the sum and their dlogits are 0.
// Dispatch: N invocations, one row each. STRIDE % 4 == 0, V <= STRIDE <= 500,000: two loops of
// STRIDE / 16 rounds.
// Twin: test/reference/cross_entropy.ts

override N: u32;
override V: u32;
override STRIDE: u32;
override OFFSET: u32 = 0;
override GRAD: bool = true;

@group(0) @binding(0) var<storage, read_write> logits: array<vec4f>;
@group(0) @binding(1) var<storage, read> label: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<f32>;
@group(0) @binding(3) var<storage, read_write> loss: array<f32>;

const LOWEST = -1e30;

// Four logits of a row, from column 4c on; LOWEST in the padding, whose exp is 0.
fn load(row: u32, c: u32) -> vec4f {
  let column = 4 * c + vec4u(0, 1, 2, 3);
  return select(vec4f(LOWEST), logits[row + c], column < vec4u(V));
}

fn store(row: u32, c: u32, gradient: vec4f) {
  if (c < STRIDE / 4) {
    logits[row + c] = gradient;
  }
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= N) { return; }
  let row = id.x * (STRIDE / 4);
  let n = OFFSET + id.x;
  let w = weight[n];
  let hit = min(label[n], V - 1);

  var top = LOWEST;
  var sum = 0.0;
  for (var c = 0u; c < STRIDE / 4; c += 4) {
    let a0 = load(row, c);
    let a1 = load(row, c + 1);
    let a2 = load(row, c + 2);
    let a3 = load(row, c + 3);
    let a = max(max(a0, a1), max(a2, a3));
    let next = max(top, max(max(a.x, a.y), max(a.z, a.w)));
    let terms = exp(a0 - next) + exp(a1 - next) + exp(a2 - next) + exp(a3 - next);
    sum = sum * exp(top - next) + dot(terms, vec4f(1));
    top = next;
  }
  loss[n] = w * (top + log(sum) - logits[row + hit / 4][hit % 4]);
  if (!GRAD) { return; }

  let scale = w / sum;
  for (var c = 0u; c < STRIDE / 4; c += 4) {
    store(row, c, scale * exp(load(row, c) - top));
    store(row, c + 1, scale * exp(load(row, c + 1) - top));
    store(row, c + 2, scale * exp(load(row, c + 2) - top));
    store(row, c + 3, scale * exp(load(row, c + 3) - top));
  }
  logits[row + hit / 4][hit % 4] -= w;
}
