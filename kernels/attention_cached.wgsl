// attention_cached: y[t, h] = sum over visible j of p[j] * v[j, g],
// p = softmax over the same j of SCALE * q[t, h] . k[j, g], where g = h / (H / G);
// visible are the last WINDOW rows of slot[t] of the cache up to position[t], that one included
// The forward of generation: prompts and single tokens alike, of one sequence or of many.
//
//   q         [T, H, D]               read
//   k         [SLOTS, CONTEXT, G, D]  read, a slot for each sequence
//   v         [SLOTS, CONTEXT, G, D]  read
//   slot      [T]                     read, whose token t is
//   position  [T]                     read, its place in that sequence
//   count     [1]                     read, rows of q in use
//   y         [T, H, D]               write; 0 from row count on
//
// With CAP a score s is CAP * tanh(s / CAP).
// The softmax runs along with the sum: y holds the sum so far, in units of exp(top).
// Dispatch: T * H invocations, one head of one token each, 8 keys a round. CONTEXT % 8 == 0,
// D % 4 == 0, CONTEXT / 8 * (D / 2 + 1) < 65,535 rounds.
// Twin: test/reference/attention_cached.ts

#import softcap

override T: u32;
override H: u32;
override G: u32;
override D: u32;
override CONTEXT: u32;
override SLOTS: u32;
override SCALE: f32;
override CAP: f32 = 0;
override WINDOW: u32 = CONTEXT;

@group(0) @binding(0) var<storage, read> q: array<vec4f>;
@group(0) @binding(1) var<storage, read> k: array<vec4f>;
@group(0) @binding(2) var<storage, read> v: array<vec4f>;
@group(0) @binding(3) var<storage, read> slot: array<u32>;
@group(0) @binding(4) var<storage, read> position: array<u32>;
@group(0) @binding(5) var<storage, read> count: array<u32>;
@group(0) @binding(6) var<storage, read_write> y: array<vec4f>;

const LOWEST = -1e30;

fn keys(row: u32, g: u32, c: u32) -> mat4x4f {
  let stride = G * D / 4;
  let at = row * stride + g * (D / 4) + c;
  return mat4x4f(k[at], k[at + stride], k[at + 2 * stride], k[at + 3 * stride]);
}

fn values(row: u32, g: u32, c: u32) -> mat4x4f {
  let stride = G * D / 4;
  let at = row * stride + g * (D / 4) + c;
  return mat4x4f(v[at], v[at + stride], v[at + 2 * stride], v[at + 3 * stride]);
}

fn hide(scores: vec4f, j: u32, first: u32, last: u32) -> vec4f {
  let key = j + vec4u(0, 1, 2, 3);
  let s = select(SCALE * scores, softcap(SCALE * scores, CAP), CAP > 0);
  return select(vec4f(LOWEST), s, (key >= vec4u(first)) & (key <= vec4u(last)));
}

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  if (id.x >= T * H) { return; }
  let t = id.x / H;
  let g = id.x % H / (H / G);
  let head = id.x * (D / 4);
  for (var c = 0u; c < D / 4; c++) {
    y[head + c] = vec4f();
  }
  if (t >= count[0]) { return; }

  let begin = min(slot[t], SLOTS - 1) * CONTEXT;
  let last = min(position[t], CONTEXT - 1);
  let first = max(last + 1, WINDOW) - WINDOW;
  var top = LOWEST;
  var sum = 0.0;
  for (var j = first / 8 * 8; j <= last; j += 8) {
    var s0 = vec4f();
    var s1 = vec4f();
    for (var c = 0u; c < D / 4; c++) {
      s0 += q[head + c] * keys(begin + j, g, c);
      s1 += q[head + c] * keys(begin + j + 4, g, c);
    }
    s0 = hide(s0, j, first, last);
    s1 = hide(s1, j + 4, first, last);

    let s = max(s0, s1);
    let next = max(top, max(max(s.x, s.y), max(s.z, s.w)));
    let shrink = exp(top - next);
    let p0 = exp(s0 - next);
    let p1 = exp(s1 - next);
    for (var c = 0u; c < D / 4; c++) {
      let v0 = values(begin + j, g, c);
      let v1 = values(begin + j + 4, g, c);
      y[head + c] = y[head + c] * shrink + v0 * p0 + v1 * p1;
    }
    sum = sum * shrink + dot(p0 + p1, vec4f(1));
    top = next;
  }
  for (var c = 0u; c < D / 4; c++) {
    y[head + c] /= sum;
  }
}
