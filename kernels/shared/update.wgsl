// update: what the rules of an update share: the clip of gradients, the halt, the order of elements.
// The kernel declares the bindings norm and halted; an invocation takes every eighth vector of its
// share. Dispatch: ceil(N / 1024) workgroups, 16 elements an invocation. N % 4 == 0.
override N: u32;

const WORKGROUP = 64u;

struct Share {
  begin: u32,
  end: u32,
}

/** The vectors of an invocation; none where updates are halted, see halt. */
fn share_of(id: vec3u, groups: vec3u) -> Share {
  let index = id.x + id.y * groups.x * WORKGROUP;
  let begin = index / 8 * 32 + index % 8;  // eight neighbours read 128 bytes side by side
  return Share(begin, select(min(begin + 32, N / 4), 0, halted[0] != 0));
}

/** min(1, clip / (sqrt(norm) + 1e-6)); 1 for a clip of 0. */
fn clipping(clip: f32) -> f32 {
  return select(1.0, min(1, clip / (sqrt(norm[0]) + 1e-6)), clip > 0);
}
