/**
 * How kernels read matrices: the pieces behind `#import matrices`, `#import words` and `#import
 * before`, and whether an adapter reads textures right.
 *
 * @module
 */
import beforeBuffer from "../../kernels/shared/before_buffer.wgsl" with { type: "text" };
import beforeTexture from "../../kernels/shared/before_texture.wgsl" with { type: "text" };
import matricesBuffer from "../../kernels/shared/matrices_buffer.wgsl" with { type: "text" };
import matricesTexture from "../../kernels/shared/matrices_texture.wgsl" with { type: "text" };
import probeText from "../../kernels/probe_texture.wgsl" with { type: "text" };
import texel from "../../kernels/shared/texel.wgsl" with { type: "text" };
import wordsBuffer from "../../kernels/shared/words_buffer.wgsl" with { type: "text" };
import wordsTexture from "../../kernels/shared/words_texture.wgsl" with { type: "text" };
import { createBuffer, destroyBuffer, readFloats, upload, whole } from "./buffer.ts";
import type { Device, MatrixReads } from "./device.ts";
import { Pipelines, type Text } from "./kernel.ts";
import { Program } from "./program.ts";
import { createTexels, destroyTexels, uploadTexels } from "./texture.ts";

const text = (name: string, text: string): Text => ({ name: `shared/${name}`, text });

/** What the imports of a kernel that reads matrices stand for. */
export const READS: Readonly<Record<MatrixReads, Readonly<Record<string, Text>>>> = {
  buffer: {
    before: text("before_buffer", beforeBuffer),
    matrices: text("matrices_buffer", matricesBuffer),
    words: text("words_buffer", wordsBuffer),
  },
  texture: {
    before: text("before_texture", beforeTexture),
    matrices: text("matrices_texture", matricesTexture),
    words: text("words_texture", wordsTexture),
    texel: text("texel", texel),
  },
};

/** More than a row of texels, and not a whole number of rows. */
const PROBED = 1029;

/** y = matrix1 + word, number by number. */
export const PROBE: Text = { name: "probe_texture", text: probeText };

/** Whether matrices can be read through textures, tried with a copied and a written one. */
export async function readsTextures(device: Device): Promise<boolean> {
  device.gpu.pushErrorScope("validation");
  let right = false;
  try {
    right = await probe(device);
  } catch {
    right = false; // the kernel does not compile, or does not bind textures
  }
  return await device.gpu.popErrorScope() === null && right;
}

async function probe(device: Device): Promise<boolean> {
  const bytes = 16 * PROBED;
  const numbers = Float32Array.from({ length: 4 * PROBED }, (_, i) => i - 0.5);
  const counts = Uint32Array.from({ length: 4 * PROBED }, (_, i) => 3 * i);
  const buffers = [createBuffer(device, bytes, "x"), createBuffer(device, bytes, "y")] as const;
  const [from, y] = [whole(buffers[0]), whole(buffers[1])];
  const matrix = createTexels(device, bytes, "rgba32float", "matrix");
  const words = createTexels(device, bytes, "rgba32uint", "words");
  upload(device, from, numbers);
  uploadTexels(device, words, new Uint8Array(counts.buffer));
  const program = await Program.record(device, Pipelines.of(device), [{
    label: "probe",
    kernel: { ...PROBE, imports: READS.texture },
    constants: { N: PROBED },
    bind: [y, matrix],
    weight: [words],
    copies: [{ from, to: matrix }],
    groups: [Math.ceil(PROBED / 8)],
  }]);
  program.replay();
  const found = await readFloats(device, y);
  for (const buffer of buffers) destroyBuffer(device, buffer);
  for (const texels of [matrix, words]) destroyTexels(device, texels);
  return found.every((sum, i) => sum === numbers[i]! + counts[i]!);
}
