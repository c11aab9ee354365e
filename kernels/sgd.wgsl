// sgd: one update of stochastic gradient descent with momentum in torch's order, gradient clip included
//
//   g = grad * min(1, clip / (sqrt(norm) + 1e-6)) + DECAY * p           clip = 0: g = grad + DECAY * p
//   m = momentum * m + g
//   p = p - RATE * rate * m            NESTEROV: p - RATE * rate * (g + momentum * m)
//
//   p     [N]  read and write, in place        step  Step  read
//   grad  [N]  read                            norm  [1]   read, sum of squares of all gradients
//   m     [N]  read and write, in place        halted  [1]  read: not 0 leaves all as it is, see halt
//
// Dispatch: see update.
// Twin: src/reference/sgd.ts

struct Step {
  rate: f32,
  momentum: f32,
  clip: f32,
}

override RATE: f32;
override DECAY: f32;
override NESTEROV: bool;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read> step: Step;
@group(0) @binding(4) var<storage, read> norm: array<f32>;
@group(0) @binding(5) var<storage, read> halted: array<u32>;

#import update

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let s = step;  // loaded once: a load in the loop would run again in every round
  let share = share_of(id, groups);
  let scale = clipping(s.clip);
  let rate = RATE * s.rate;

  for (var i = share.begin; i < share.end; i += 8) {
    let g = grad[i] * scale + DECAY * p[i];
    let m1 = s.momentum * m[i] + g;
    let change = select(m1, g + s.momentum * m1, NESTEROV);
    p[i] = p[i] - rate * change;
    m[i] = m1;
  }
}
