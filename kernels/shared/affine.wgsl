// affine: codes of four rows of 64 columns (src/formats/groups/affine.ts), and what they stand for.
//
//   ones, pairs, fours, bytes   codes of block `at`, a row in each column, from words that begin at
//                               `begin`: 1, 2, 4 or 8 bits each, a row after another, the first lowest
//   affine(codes, at)           codes [4, 4] times the scales of their rows, which are word `at`, plus
//                               their biases, which follow
//
fn one_of(four: vec4u, i: u32) -> u32 {
  let two = select(four.zw, four.xy, i < 2);
  return select(two.y, two.x, i % 2 == 0);
}
fn one(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 1, row >> 2, row >> 3) & vec4u(1));
}
fn pair(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 2, row >> 4, row >> 6) & vec4u(3));
}
fn nibbles(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 4, row >> 8, row >> 12) & vec4u(15));
}
fn byte(row: u32) -> vec4f {
  return vec4f(vec4u(row, row >> 8, row >> 16, row >> 24) & vec4u(255));
}
fn ones(begin: u32, at: u32) -> mat4x4f {
  let rows = one_of(word(begin + at / 8), at / 2 % 4) >> (at % 2 * 16);
  return mat4x4f(one(rows), one(rows >> 4), one(rows >> 8), one(rows >> 12));
}
fn pairs(begin: u32, at: u32) -> mat4x4f {
  let rows = one_of(word(begin + at / 4), at % 4);
  return mat4x4f(pair(rows), pair(rows >> 8), pair(rows >> 16), pair(rows >> 24));
}
fn fours(begin: u32, at: u32) -> mat4x4f {
  let both = word(begin + at / 2);
  let rows = select(both.zw, both.xy, at % 2 == 0);
  return mat4x4f(nibbles(rows.x), nibbles(rows.x >> 16), nibbles(rows.y), nibbles(rows.y >> 16));
}
fn bytes(begin: u32, at: u32) -> mat4x4f {
  let rows = word(begin + at);
  return mat4x4f(byte(rows.x), byte(rows.y), byte(rows.z), byte(rows.w));
}
fn affine(codes: mat4x4f, at: u32) -> mat4x4f {
  let scale = bitcast<vec4f>(word(at));
  let bias = bitcast<vec4f>(word(at + 1));
  return mat4x4f(
    scale.x * codes[0] + bias.x,
    scale.y * codes[1] + bias.y,
    scale.z * codes[2] + bias.z,
    scale.w * codes[3] + bias.w,
  );
}
