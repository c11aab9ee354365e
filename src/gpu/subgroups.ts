/**
 * Whether a device computes in subgroups, found by asking it to: what an adapter lists and what its
 * compiler takes are two things.
 *
 * @module
 */
import { createBuffer, destroyBuffer, readFloats, whole } from "./buffer.ts";
import type { Device } from "./device.ts";
import { Pipelines } from "./kernel.ts";
import { Program } from "./program.ts";

/** How many lanes run with each, and the number of lane 7 as that hands it round. */
const PROBE = {
  name: "probe of subgroups",
  text: `override SIZE: u32;
@group(0) @binding(0) var<storage, read_write> y: array<vec2f>;
@compute @workgroup_size(SIZE) fn main(@builtin(local_invocation_index) i: u32) {
  y[i] = vec2f(subgroupAdd(1.0), subgroupBroadcast(f32(i), 7u));
}`,
};

/** Lanes of the workgroups that share what they load: see `kernels/shared/tile_broadcast_16x8.wgsl`. */
export const SHARING = 8;

/** How many lanes run together; null where the device cannot be asked so. */
export async function subgroupSize(device: Device): Promise<number | null> {
  const [size] = await probe(device, 64) ?? [0];
  return size! > 1 ? size! : null;
}

/** Whether the lanes of a workgroup of {@link SHARING} hand round what one of them holds. */
export async function sharesLoads(device: Device): Promise<boolean> {
  const found = await probe(device, SHARING);
  return found?.every((number, i) => number === [SHARING, 7][i % 2]) ?? false;
}

/** What a workgroup of so many invocations found; null where it did not run. */
async function probe(device: Device, SIZE: number): Promise<Float32Array | null> {
  if (!device.has("subgroups")) return null;
  const buffer = createBuffer(device, 8 * SIZE, "subgroups");
  device.gpu.pushErrorScope("validation");
  let found: Float32Array | null = null;
  try {
    const program = await Program.record(device, Pipelines.of(device), [{
      label: "probe",
      kernel: PROBE,
      constants: { SIZE },
      bind: [whole(buffer)],
      weight: [],
      groups: [1],
    }]);
    program.replay();
    found = await readFloats(device, whole(buffer));
  } catch {
    found = null; // it does not compile
  }
  const refused = await device.gpu.popErrorScope();
  destroyBuffer(device, buffer);
  return refused === null ? found : null;
}
