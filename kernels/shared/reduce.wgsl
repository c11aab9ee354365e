// reduce: the sum of x over the LANES invocations of a workgroup (a power of two), for all of them.
// In a fixed order; once a kernel.
override LANES: u32 = 256;
var<workgroup> parts: array<f32, LANES>;

fn reduce(x: f32, lane: u32) -> f32 {
  parts[lane] = x;
  for (var half = LANES / 2; half > 0; half /= 2) {
    workgroupBarrier();
    if (lane < half) { parts[lane] += parts[lane + half]; }
  }
  workgroupBarrier();
  return parts[0];
}
