// cache_write: cache[position[t]] = x[t] for t < count[0]
//
//   x         [T, D]        read, keys or values; D is all key heads together
//   position  [T]           read
//   count     [1]           read, rows of x in use
//   cache     [CONTEXT, D]  write; a position from CONTEXT on is skipped
//
// Dispatch: T invocations, one row each. D % 4 == 0. No position may occur twice.
// Twin: test/reference/cache_write.ts

override T: u32;
override D: u32;
override CONTEXT: u32;

@group(0) @binding(0) var<storage, read> x: array<vec4f>;
@group(0) @binding(1) var<storage, read> position: array<u32>;
@group(0) @binding(2) var<storage, read> count: array<u32>;
@group(0) @binding(3) var<storage, read_write> cache: array<vec4f>;

@compute @workgroup_size(8)
fn main(@builtin(global_invocation_id) id: vec3u) {
  let t = id.x;
  if (t >= min(T, count[0]) || position[t] >= CONTEXT) { return; }
  let row = t * (D / 4);
  let to = position[t] * (D / 4);
  for (var c = 0u; c < D / 4; c++) {
    cache[to + c] = x[row + c];
  }
}
