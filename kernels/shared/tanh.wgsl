// tanh: written as (1 - e) / (1 + e) for e = exp(-2 |a|), which no driver can overflow, and its slope
fn activation(a: vec4f) -> vec4f {
  let e = exp(-2 * abs(a));
  return sign(a) * (1 - e) / (1 + e);
}
fn slope(a: vec4f) -> vec4f {
  let e = exp(-2 * abs(a));
  return 4 * e / ((1 + e) * (1 + e));
}
