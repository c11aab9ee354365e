// attention_softmax: p[h, i, j] = exp(p[h, i, j]) / sum over visible j of the same; 0 where hidden
//
//   p      [H, T, T]  read and write, in place: scores in, probabilities out
//   start  [T]        read, the first key that row i sees; the last is i. start never falls
//
// A row covers the tiles of attention_scores: from the tile of the first key that its block of 8
// rows sees to the tile on the diagonal.
// Dispatch: T * H invocations, one row of one head each. T % 8 == 0.
// Twin: test/reference/attention.ts

#import fold

override T: u32;
override H: u32;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> start: array<u32>;

const LOWEST = -1e30;

fn visible(j: u32, first: u32, last: u32) -> vec4<bool> {
  let key = 4 * j + vec4u(0, 1, 2, 3);
  return (key >= vec4u(first)) & (key <= vec4u(last));
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= T * H) { return; }
  let h = id.x % H;
  let i = fold(id.x / H, T);
  let tile = i / 8 * 8;
  let first = start[i];
  let begin = start[tile] / 8 * 2;
  let end = tile / 4 + 2;
  let row = (h * T + i) * (T / 4);

  var top = LOWEST;
  var sum = 0.0;
  for (var j = begin; j < end; j++) {
    let s = select(vec4f(LOWEST), p[row + j], visible(j, first, i));
    let next = max(top, max(max(s.x, s.y), max(s.z, s.w)));
    sum = sum * exp(top - next) + dot(exp(s - next), vec4f(1));
    top = next;
  }
  for (var j = begin; j < end; j++) {
    p[row + j] = select(vec4f(0), exp(p[row + j] - top) / sum, visible(j, first, i));
  }
}
