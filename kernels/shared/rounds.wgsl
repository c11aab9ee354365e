// rounds: what 8 lanes have loaded, handed round: all lanes get the vectors of lanes 0 .. 3 (low) or
// 4 .. 7 (high) as a matrix, [i] that of lane i or 4 + i. A tenth of the cost of a load.
//
// Needs a subgroup of 8 lanes or more, with the workgroup's in its first 8.
fn low(v: vec4f) -> mat4x4f {
  return mat4x4f(
    subgroupBroadcast(v, 0u), subgroupBroadcast(v, 1u),
    subgroupBroadcast(v, 2u), subgroupBroadcast(v, 3u));
}
fn high(v: vec4f) -> mat4x4f {
  return mat4x4f(
    subgroupBroadcast(v, 4u), subgroupBroadcast(v, 5u),
    subgroupBroadcast(v, 6u), subgroupBroadcast(v, 7u));
}
