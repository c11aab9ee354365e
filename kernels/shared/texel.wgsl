// texel: where 16-byte word number `at` lies in a texture of rows of 1024 texels.
//
// Software Vulkan reads a texel of a read-only storage texture for all lanes at once; a load from a
// storage buffer is a loop over the lanes, and up to 16 times as slow.
fn texel(at: u32) -> vec2u {
  return vec2u(at & 1023, at >> 10);
}
