/**
 * Records a program on a device, replays it where it is told to, and waits until the driver's cache on
 * disk holds as many files as it is told; `precompiler_test.ts` runs it.
 *
 * @module
 */
import { createBuffer, whole } from "../../src/gpu/buffer.ts";
import { openDevice } from "../../src/gpu/device.ts";
import { Pipelines } from "../../src/gpu/kernel.ts";
import { Precompiler } from "../../src/gpu/precompiler.ts";
import { Program } from "../../src/gpu/program.ts";
import { PROBE, READS } from "../../src/gpu/reads.ts";
import { createTexels } from "../../src/gpu/texture.ts";
import { filesIn } from "./cached_files.ts";

const [mode, folder, files] = Deno.args;
using device = await openDevice();
if (mode === "record") Precompiler.attach(device);
const numbers = 40 * 1024; // textures of 10 rows
const buffers = ["x", "y"].map((name) => whole(createBuffer(device, 4 * numbers, name)));
const [from, y] = buffers as [typeof buffers[0], typeof buffers[0]];
const matrix = createTexels(device, 4 * numbers, "rgba32float", "matrix");
const words = createTexels(device, 4 * numbers, "rgba32uint", "words");
const program = await Program.record(
  device,
  Pipelines.of(device),
  [16, 24, 40].map((N) => ({
    label: "probe",
    kernel: { ...PROBE, imports: READS.texture },
    constants: { N },
    bind: [y, matrix],
    weight: [words],
    copies: [{ from, to: matrix }],
    groups: [1] as const,
  })),
);
if (mode === "replay") program.replay();
await device.idle();
const until = Date.now() + 60_000;
while (filesIn(folder!).length < Number(files) && Date.now() < until) {
  await new Promise((resolve) => setTimeout(resolve, 50));
}
console.log(device.adapter);
