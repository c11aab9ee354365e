// weights: block number `block` of a matrix of six bits less 32, times a signed byte of each row of 16
// columns, times an f16 scale of 256 columns; [i] is row i of the block.
//
//   words   [rows * columns / 2048, 105]   read: 128 blocks of half a word, the low bits of a row in
//           16 bits, the first number lowest, then the two high bits of a block's numbers in 32 bits,
//           a row in eight, then for each four blocks a byte a row, then the scales of the first 64
//           blocks in xy and of the others in zw
//
#import words

fn one_of(four: vec4u, i: u32) -> u32 {
  let two = select(four.zw, four.xy, i < 2);
  return select(two.y, two.x, i % 2 == 0);
}
fn sixes(row: u32, high: u32) -> vec4f {
  let low = vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15);
  let above = vec4u(high << 4, high << 2, high, high >> 2) & vec4u(48);
  return vec4f(low | above) - 32;
}
fn weights(block: u32) -> mat4x4f {
  let unit = block / 128 * 105;
  let at = block % 128;
  let both = word(unit + at / 2);
  let q = select(both.zw, both.xy, at % 2 == 0);
  let high = one_of(word(unit + 64 + at / 4), at % 4);
  let bytes = one_of(word(unit + 96 + at / 16), at / 4 % 4);
  let signed = vec4f(bitcast<vec4i>(vec4u(bytes << 24, bytes << 16, bytes << 8, bytes)) >> vec4u(24));
  let scales = word(unit + 104);
  let d = select(scales.zw, scales.xy, at < 64);
  let step = signed * vec4f(unpack2x16float(d.x), unpack2x16float(d.y));
  return mat4x4f(
    step.x * sixes(q.x, high),
    step.y * sixes(q.x >> 16, high >> 8),
    step.z * sixes(q.y, high >> 16),
    step.w * sixes(q.y >> 16, high >> 24),
  );
}
