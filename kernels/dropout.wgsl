// dropout: y[i] = SCALE * x[i] where hash(SEED, [draw, LAYER, i]) >= DROPPED, else 0; ADD adds it to y
//
//   x     [N]  read        y  [N]  write (read_write for ADD)
//   draw  [1]  read, the number of the micro-batch
//
// SCALE is 1 / (1 - rate) and DROPPED is rate * 2^32: the same numbers are dropped on the way back.
// Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. N % 4 == 0.
// Twin: src/reference/dropout.ts
#import hash
override N: u32;
override SEED: u32;
override LAYER: u32;
override SCALE: f32;
override DROPPED: u32;
override ADD: bool = false;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

fn kept(h: u32, i: u32) -> f32 {
  return select(0.0, SCALE, hash_end(hash_word(h, i), 3) >= DROPPED);
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let first = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  let h = hash_word(hash_word(SEED, draw[0]), LAYER);
  for (var i = first; i < min(first + 32, N / 4); i += 8) {
    let n = 4 * i;
    let value = x[i] * vec4f(kept(h, n), kept(h, n + 1), kept(h, n + 2), kept(h, n + 3));
    if (ADD) { y[i] += value; } else { y[i] = value; }
  }
}
