// adamw: one update of AdamW (Loshchilov and Hutter 2019) in torch's order, gradient clip included
//
//   g = grad * min(1, clip / (sqrt(norm) + 1e-6))           clip = 0: g = grad
//   p = p * (1 - rate * decay)
//   m = beta1 * m + rest1 * g,  v = beta2 * v + rest2 * g^2
//   p = p - rate * correction1 * m / (sqrt(v * correction2) + epsilon)
//
//   p     [N]  read and write, in place        step  Step  read
//   grad  [N]  read                            norm  [1]   read, sum of squares of all gradients
//   m, v  [N]  read and write, in place
//
// Dispatch: N / 16 invocations, 16 elements each. N % 4 == 0.
// Twin: test/reference/adamw.ts

struct Step {
  rate: f32,
  decay: f32,
  correction1: f32,  // 1 / (1 - beta1^t), t = 1 at the first update
  correction2: f32,  // 1 / (1 - beta2^t)
  beta1: f32,
  beta2: f32,
  rest1: f32,        // 1 - beta1, rounded once: f32 would lose five digits of 1 - 0.999
  rest2: f32,        // 1 - beta2
  epsilon: f32,
  clip: f32,
}

override N: u32;

@group(0) @binding(0) var<storage, read_write> p: array<vec4f>;
@group(0) @binding(1) var<storage, read> grad: array<vec4f>;
@group(0) @binding(2) var<storage, read_write> m: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> v: array<vec4f>;
@group(0) @binding(4) var<storage, read> step: Step;
@group(0) @binding(5) var<storage, read> norm: array<f32>;

const WORKGROUP = 64u;

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let s = step;  // loaded once: a load in the loop would run again in every round
  let first = 4 * (id.x + id.y * groups.x * WORKGROUP);
  let clipped = min(1, s.clip / (sqrt(norm[0]) + 1e-6));
  let scale = select(1.0, clipped, s.clip > 0);

  for (var i = first; i < min(first + 4, N / 4); i++) {
    let g = grad[i] * scale;
    let m1 = mix(g, m[i], s.beta1);
    let v1 = mix(g * g, v[i], s.beta2);
    let change = s.rate * s.correction1 * m1 / (sqrt(v1 * s.correction2) + s.epsilon);
    p[i] = p[i] * (1 - s.rate * s.decay) - change;
    m[i] = m1;
    v[i] = v1;
  }
}
