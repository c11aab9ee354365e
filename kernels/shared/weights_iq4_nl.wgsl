// weights: block number `block` of a matrix of sixteen whole numbers (src/formats/groups/iq4_nl.ts),
// times an f16 scale for each row of 32 columns; [i] is row i of the block.
//
//   words   [rows * columns / 256, 9]   read: 16 blocks of half a word, a row in 16 bits, the first
//           code lowest, then the scales of the first eight blocks in xy and of the others in zw
//
// The numbers are chosen bit by bit: an array that is indexed by data would lie in memory.
#import words

fn numbers(row: u32) -> vec4f {
  let code = vec4u(row, row >> 4, row >> 8, row >> 12);
  let bit0 = (code & vec4u(1)) != vec4u(0);
  let bit1 = (code & vec4u(2)) != vec4u(0);
  let bit2 = (code & vec4u(4)) != vec4u(0);
  let bit3 = (code & vec4u(8)) != vec4u(0);
  let v0 = select(vec4f(-127), vec4f(-104), bit0);
  let v1 = select(vec4f(-83), vec4f(-65), bit0);
  let v2 = select(vec4f(-49), vec4f(-35), bit0);
  let v3 = select(vec4f(-22), vec4f(-10), bit0);
  let v4 = select(vec4f(1), vec4f(13), bit0);
  let v5 = select(vec4f(25), vec4f(38), bit0);
  let v6 = select(vec4f(53), vec4f(69), bit0);
  let v7 = select(vec4f(89), vec4f(113), bit0);
  let low = select(select(v0, v1, bit1), select(v2, v3, bit1), bit2);
  let high = select(select(v4, v5, bit1), select(v6, v7, bit1), bit2);
  return select(low, high, bit3);
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 16 * 9;
  let at = block % 16;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let scales = word(unit + 8);
  let d = select(scales.zw, scales.xy, at < 8);
  let low = unpack2x16float(d.x);
  let high = unpack2x16float(d.y);
  return mat4x4f(
    low.x * numbers(q.x),
    low.y * numbers(q.x >> 16),
    high.x * numbers(q.y),
    high.y * numbers(q.y >> 16),
  );
}
