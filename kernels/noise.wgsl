// noise: y[t, c] = x[t, c] + ALPHA / sqrt(L * D) * u, for L = end[t] - start[t] tokens of t's document and
// u = 2 hash(SEED, [draw, LAYER, t * D + c]) / 2^32 - 1
//
//   x           [T, D]  read        y  [T, D]  write
//   draw        [1]     read, the number of the micro-batch
//   start, end  [T]     read, where the document of each row begins and ends
//
// Dispatch: ceil(T * D / 1024) workgroups, 16 elements an invocation. D % 4 == 0.
// Twin: src/reference/noise.ts
#import hash
override N: u32;  // T * D
override D: u32;
override SEED: u32;
override LAYER: u32;
override ALPHA: f32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> draw: array<u32>;
@group(0) @binding(2) var<storage, read> start: array<u32>;
@group(0) @binding(3) var<storage, read> end: array<u32>;
@group(0) @binding(4) var<storage, read_write> y: array<vec4f>;

const WORKGROUP = 64u;

fn uniform_number(h: u32, i: u32) -> f32 {
  return f32(hash_end(hash_word(h, i), 3)) * 0x1p-31 - 1;
}

@compute @workgroup_size(WORKGROUP)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let first = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  let h = hash_word(hash_word(SEED, draw[0]), LAYER);
  for (var i = first; i < min(first + 32, N / 4); i += 8) {
    let n = 4 * i;
    let t = n / D;
    let size = ALPHA / sqrt(f32(max(1, end[t] - start[t])) * f32(D));
    let u = vec4f(
      uniform_number(h, n), uniform_number(h, n + 1), uniform_number(h, n + 2), uniform_number(h, n + 3),
    );
    y[i] = x[i] + size * u;
  }
}
