// divergence: the terms of a divergence between p and p0, four columns of a row at a time, and its
// gradient by the logits of p. BETA and CAP are the kernel's, which imports softcap too.

// log(m) of columns, from the logarithms of p and p0.
fn mixed(log_p: vec4f, log_p0: vec4f) -> vec4f {
  if (BETA == 1) { return log_p0; }
  let top = max(log_p, log_p0);
  return top + log((1 - BETA) * exp(log_p - top) + BETA * exp(log_p0 - top));
}

// The terms of p to m and of p0 to m; of BETA 0 the latter alone, where m is p.
struct Terms { own: vec4f, base: vec4f }

fn terms_of(log_p: vec4f, log_p0: vec4f) -> Terms {
  let log_m = select(log_p, mixed(log_p, log_p0), BETA > 0);
  let m = exp(log_m);
  let p = exp(log_p);
  let p0 = exp(log_p0);
  return Terms(p * (log_p - log_m) - p + m, p0 * (log_p0 - log_m) - p0 + m);
}

// What the two divergences count.
fn blend(own: f32, base: f32) -> f32 {
  if (BETA == 0) { return base; }
  if (BETA == 1) { return own; }
  return (1 - BETA) * own + BETA * base;
}

// dlogits / weight of columns; `own` is sum(p * log(p / m)).
fn slope(x: vec4f, log_p: vec4f, log_p0: vec4f, own: f32) -> vec4f {
  let p = exp(log_p);
  let towards = select(p - exp(log_p0),
    select(1 - BETA, 1, BETA == 1) * p * (log_p - mixed(log_p, log_p0) - own), BETA > 0);
  return towards * select(vec4f(1), softcap_slope(x, CAP), CAP > 0);
}
