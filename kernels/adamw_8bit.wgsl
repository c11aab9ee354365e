// adamw_8bit: one update of AdamW in torch's order, whose moments are kept in eight bits (Dettmers et al. 2021)
//
//   g = grad * min(1, clip / (sqrt(norm) + 1e-6))           clip = 0: g = grad
//   r = RATE * rate
//   m = beta1 * m + rest1 * g,  v = beta2 * v + rest2 * g^2
//   p = p * (1 - r * DECAY) - r * correction1 * m / (sqrt(v * correction2) + epsilon)
//
// Of 256 numbers a moment is the nearest numbers of the dynamic map times the largest magnitude, and
// p is moved by m and v before they are rounded. The map has seven ranges of magnitudes from
// 10^(e-1) to 10^e, e = -6 to 0, in 2^(e+6) (m, with a sign) or 2^(e+7) (v) even parts, whose middles
// are its numbers, and 0 and 1. It is computed: an array that data indexes would lie in memory.
//
//   p       [N]         read and write, in place                 step    Step  read
//   grad    [N]         read                                     norm    [1]   read, see adamw
//   codes   [N / 4, 2]  read and write, four of m, four of v     halted  [1]   read: not 0 leaves all as it is
//   scales  [N / 256, 2]  read and write, of m and of v
//
// Dispatch: ceil(N / 256) workgroups. N % 4 == 0.
// Twin: src/reference/adamw_8bit.ts

struct Step {
  rate: f32,
  correction1: f32,  // 1 / (1 - beta1^t), t = 1 at the first update
  correction2: f32,  // 1 / (1 - beta2^t)
  beta1: f32,
  beta2: f32,
  rest1: f32,        // 1 - beta1, rounded once
  rest2: f32,        // 1 - beta2
  epsilon: f32,
  clip: f32,
}

override N: u32;
override RATE: f32;
override DECAY: f32;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> codes: array<vec2u>;
@group(0) @binding(3) var<storage, read_write> scales: array<vec2f>;
@group(0) @binding(4) var<storage, read> step: Step;
@group(0) @binding(5) var<storage, read> norm: array<f32>;
@group(0) @binding(6) var<storage, read> halted: array<u32>;

var<workgroup> largest: array<vec2f, 64>;

/**
 * The magnitude that is number `at` of a map in order, counted so that a range of 2^k parts begins at 2^k;
 * `first` is k of the first range.
 */
fn magnitude(at: vec4u, first: u32) -> vec4f {
  let bits = firstLeadingBit(max(at, vec4u(1)));
  let part = (vec4f(at) + 0.5) / vec4f(vec4u(1) << bits) - 1;
  let below = vec4u(6 + first) - min(bits, vec4u(6 + first));
  let tens = select(vec4f(1), vec4f(10), (below & vec4u(1)) != vec4u(0)) *
    select(vec4f(1), vec4f(100), (below & vec4u(2)) != vec4u(0)) *
    select(vec4f(1), vec4f(10000), (below & vec4u(4)) != vec4u(0));
  let inside = select((0.1 + 0.9 * part) / tens, vec4f(0), at < vec4u(1u << first));
  return select(inside, vec4f(1), at >= vec4u(128u << first));
}

/** The number in a map of the magnitude that is nearest to x, from 0 to 1, or the lower of two. */
fn nearest(x: vec4f, first: u32, last: vec4u) -> vec4u {
  var below = vec4u(0);
  var ten = vec4f(1);
  for (var n = 0; n < 6; n++) {
    let isBelow = x * ten < vec4f(0.1);
    below += select(vec4u(0), vec4u(1), isBelow);
    ten *= select(vec4f(1), vec4f(10), isBelow);
  }
  let bits = vec4u(6 + first) - below;
  let parts = vec4f(vec4u(1) << bits);
  let part = clamp(floor((x * ten - 0.1) / 0.9 * parts), vec4f(0), parts - 1);
  var at = (vec4u(1) << bits) + vec4u(part);
  let mine = magnitude(at, first);
  at += select(vec4u(0), vec4u(1), x - mine > magnitude(at + 1, first) - x);
  at -= select(vec4u(0), vec4u(1), x - magnitude(at - 1, first) <= mine - x);
  return min(at, last);
}

fn bytes(word: u32) -> vec4u {
  return (vec4u(word) >> vec4u(0, 8, 16, 24)) & vec4u(255);
}

fn word(bytes: vec4u) -> u32 {
  return bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
}

@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) group: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) lane: u32,
) {
  let block = group.x + group.y * groups.x;
  let i = block * 64 + lane;
  let isMine = i < N / 4 && halted[0] == 0;
  let s = step;
  let scale = select(1.0, min(1, s.clip / (sqrt(norm[0]) + 1e-6)), s.clip > 0);
  let rate = RATE * s.rate;

  var m = vec4f(0);
  var v = vec4f(0);
  if (isMine) {
    let g = grad[i] * scale;
    let code = vec4i(bytes(codes[i].x)) - 127;
    let m0 = vec4f(sign(code)) * magnitude(vec4u(abs(code)), 0);
    let v0 = magnitude(bytes(codes[i].y) + 1, 1);
    m = s.beta1 * (m0 * scales[block].x) + s.rest1 * g;
    v = s.beta2 * (v0 * scales[block].y) + s.rest2 * g * g;
    let change = rate * s.correction1 * m / (sqrt(v * s.correction2) + s.epsilon);
    p[i] = p[i] * (1 - rate * DECAY) - change;
  }
  let size = abs(m);
  let most = max(vec2f(size.x, v.x), max(vec2f(size.y, v.y), max(vec2f(size.z, v.z), vec2f(size.w, v.w))));
  largest[lane] = most;
  for (var half = 32u; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { largest[lane] = max(largest[lane], largest[lane + half]); }
  }
  workgroupBarrier();
  let all = largest[0];
  if (!isMine) { return; }
  let unit = max(all, vec2f(1e-38));
  let isLess = m < vec4f(0);
  let at = vec4i(nearest(size / unit.x, 0, select(vec4u(128), vec4u(127), isLess)));
  codes[i] = vec2u(
    word(vec4u(127 + select(at, -at, isLess))),
    word(nearest(v / unit.y, 1, vec4u(256)) - 1),
  );
  if (lane == 0) { scales[block] = all; }
}
