// before: how a kernel reads what it writes over; here out of the buffer itself.
//
//   result       binding 0, read and written in place
//   before(at)   vec4 number `at` of it, as it was; a kernel does not ask once it has written there
//
@group(0) @binding(0) var<storage, read_write> result: array<vec4f>;

fn before(at: u32) -> vec4f {
  return result[at];
}
