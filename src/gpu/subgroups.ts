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

/** A sum over the lanes that run together: 1 for each of them. */
const PROBE = {
  name: "probe of subgroups",
  text: `enable subgroups;
@group(0) @binding(0) var<storage, read_write> y: array<f32>;
@compute @workgroup_size(64) fn main(@builtin(local_invocation_index) i: u32) {
  y[i] = subgroupAdd(1.0);
}`,
};

/** How many lanes run together; null where the device cannot be asked so. */
export async function subgroupSize(device: Device): Promise<number | null> {
  const buffer = createBuffer(device, 4 * 64, "subgroups");
  device.gpu.pushErrorScope("validation");
  let found: number | null = null;
  try {
    const program = await Program.record(device, Pipelines.of(device), [{
      label: "probe",
      kernel: PROBE,
      constants: {},
      bind: [whole(buffer)],
      weight: [],
      groups: [1],
    }]);
    program.replay();
    found = (await readFloats(device, whole(buffer)))[0]!;
  } catch {
    found = null; // it does not compile, or the feature was not asked for
  }
  const refused = await device.gpu.popErrorScope();
  destroyBuffer(device, buffer);
  return refused === null && found !== null && found > 1 ? found : null;
}
