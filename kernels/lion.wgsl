// lion: one update of Lion (Chen et al. 2023) in its authors' order, gradient clip included
//
//   g = grad * min(1, clip / (sqrt(norm) + 1e-6))           clip = 0: g = grad
//   r = RATE * rate
//   p = p * (1 - r * DECAY) - r * sign(beta1 * m + rest1 * g)
//   m = beta2 * m + rest2 * g
//
//   p     [N]  read and write, in place        step  Step  read
//   grad  [N]  read                            norm  [1]   read, sum of squares of all gradients
//   m     [N]  read and write, in place        halted  [1]  read: not 0 leaves all as it is, see halt
//
// Dispatch: see update.
// Twin: src/reference/lion.ts

struct Step {
  rate: f32,
  beta1: f32,
  beta2: f32,
  rest1: f32,  // 1 - beta1, rounded once
  rest2: f32,  // 1 - beta2
  clip: f32,
}

override RATE: f32;
override DECAY: f32;

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
    let g = grad[i] * scale;
    let way = sign(s.beta1 * m[i] + s.rest1 * g);
    p[i] = p[i] * (1 - rate * DECAY) - rate * way;
    m[i] = s.beta2 * m[i] + s.rest2 * g;
  }
}
