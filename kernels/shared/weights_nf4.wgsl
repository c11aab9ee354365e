// weights: block number `block` of a matrix of sixteen numbers, the quantiles of a normal distribution
// (src/formats/groups/nf4.ts), times an f32 scale for each row of 64 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 9]   read: 16 blocks of half a word, a row in 16 bits, the first
//           code lowest, then the scales of the four rows
//
// The numbers are chosen bit by bit: an array that is indexed by data would lie in memory.
#import words

fn quantiles(row: u32) -> vec4f {
  let code = vec4u(row, row >> 4, row >> 8, row >> 12);
  let bit0 = (code & vec4u(1)) != vec4u(0);
  let bit1 = (code & vec4u(2)) != vec4u(0);
  let bit2 = (code & vec4u(4)) != vec4u(0);
  let bit3 = (code & vec4u(8)) != vec4u(0);
  let v0 = select(vec4f(-1), vec4f(-0.6961928009986877), bit0);
  let v1 = select(vec4f(-0.5250730514526367), vec4f(-0.39491748809814453), bit0);
  let v2 = select(vec4f(-0.28444138169288635), vec4f(-0.18477343022823334), bit0);
  let v3 = select(vec4f(-0.09105003625154495), vec4f(0), bit0);
  let v4 = select(vec4f(0.07958029955625534), vec4f(0.16093020141124725), bit0);
  let v5 = select(vec4f(0.24611230194568634), vec4f(0.33791524171829224), bit0);
  let v6 = select(vec4f(0.44070982933044434), vec4f(0.5626170039176941), bit0);
  let v7 = select(vec4f(0.7229568362236023), vec4f(1), bit0);
  let low = select(select(v0, v1, bit1), select(v2, v3, bit1), bit2);
  let high = select(select(v4, v5, bit1), select(v6, v7, bit1), bit2);
  return select(low, high, bit3);
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 9;
  let at = block % 16;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let scales = bitcast<vec4f>(word(unit + 8));
  return mat4x4f(
    scales.x * quantiles(q.x),
    scales.y * quantiles(q.x >> 16),
    scales.z * quantiles(q.y),
    scales.w * quantiles(q.y >> 16),
  );
}
