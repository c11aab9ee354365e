// before: how a kernel reads what it writes over; here through a texture (see texel).
//
//   result       binding 0, read and written in place
//   before(at)   vec4 number `at` of it, as it was; a kernel does not ask once it has written there
//
#import texel
@group(0) @binding(0) var<storage, read_write> result: array<vec4f>;
@group(2) @binding(0) var texture0: texture_storage_2d<rgba32float, read>;

fn before(at: u32) -> vec4f {
  return textureLoad(texture0, texel(at));
}
