// muon_momentum: what Muon makes orthogonal (Jordan et al. 2024), in torch's order, gradient clip included
//
//   g = grad * min(1, clip / (sqrt(norm) + 1e-6))           clip = 0: g = grad
//   m = m + (1 - momentum) * (g - m)
//   u = m                              NESTEROV: g + momentum * (m - g)
//
//   m     [N]  read and write, in place        step  Step  read
//   grad  [N]  read                            norm  [1]   read, sum of squares of all gradients
//   u     [N]  write                           halted  [1]  read: not 0 leaves m as it is, see halt
//
// Dispatch: see update.
// Twin: src/reference/muon.ts

struct Step {
  rate: f32,
  momentum: f32,
  rest: f32,  // 1 - momentum, rounded once
  clip: f32,
}

override NESTEROV: bool;

@group(0) @binding(0) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> u: array<vec4f>;
@group(0) @binding(3) var<storage, read> step: Step;
@group(0) @binding(4) var<storage, read> norm: array<f32>;
@group(0) @binding(5) var<storage, read> halted: array<u32>;

#import update

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let s = step;  // loaded once: a load in the loop would run again in every round
  let share = share_of(id, groups);
  let scale = clipping(s.clip);

  for (var i = share.begin; i < share.end; i += 8) {
    let g = grad[i] * scale;
    let m1 = m[i] + s.rest * (g - m[i]);
    u[i] = select(m1, g + s.momentum * (m1 - g), NESTEROV);
    m[i] = m1;
  }
}
