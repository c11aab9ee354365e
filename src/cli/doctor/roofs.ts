/**
 * What a device can do at most: a product of matrices, and numbers on their way through memory.
 *
 * @module
 */
import { upload } from "../../gpu/buffer.ts";
import type { Device } from "../../gpu/device.ts";
import { compile, type Compiled, openEngine } from "../../graph/compile.ts";
import { Graph } from "../../graph/graph.ts";
import { blocksOf } from "../../models/weights.ts";
import { linear, scale } from "../../ops/mod.ts";
import { random } from "../../random.ts";

/** y [M, N] = x [M, K] w [N, K]^T, the shape of a linear layer. */
export const [M, N, K] = [512, 768, 768];
/** Numbers that are copied: more than caches hold. */
const COPIED = [4096, 4096] as const;
/** How long each is timed, so that waiting for it weighs little. */
const TIMED_MS = 300;

/** Billions of operations and of bytes a second. */
export interface Roofs {
  readonly gflops: number;
  readonly gigabytes_per_second: number;
}

/** Measures both. */
export async function roofsOf(device: Device): Promise<Roofs> {
  return { gflops: await productRoof(device), gigabytes_per_second: await copyRoof(device) };
}

async function productRoof(device: Device): Promise<number> {
  const graph = new Graph(device.kernelSet);
  const x = graph.input("x", [M, K], "f32");
  const w = graph.weight("w", [N, K], "f32", "blocks");
  graph.output("y", linear(graph, x, w));
  const engine = openEngine(device);
  upload(device, engine.store.addWeight(w), blocksOf(noise(N * K, 2), [N, K]));
  const compiled = await compile(engine, graph);
  compiled.write("x", noise(M * K, 1));
  const seconds = await secondsOf(device, compiled);
  engine.store.destroy();
  return 2 * M * N * K / seconds / 1e9;
}

/** Every number is read and written once. */
async function copyRoof(device: Device): Promise<number> {
  const graph = new Graph(device.kernelSet);
  graph.output("y", scale(graph, graph.input("x", COPIED, "f32"), 0.5));
  const compiled = await compile(openEngine(device), graph);
  const seconds = await secondsOf(device, compiled);
  return 2 * 4 * COPIED[0] * COPIED[1] / seconds / 1e9;
}

/** Seconds of a replay, over twice as many each time until they take long. */
async function secondsOf(device: Device, compiled: Compiled): Promise<number> {
  compiled.program.replay();
  await device.idle(); // drivers compile at the first dispatch
  for (let count = 1;; count *= 2) {
    const start = performance.now();
    for (let i = 0; i < count; i++) compiled.program.replay();
    await device.idle();
    const ms = performance.now() - start;
    if (ms <= TIMED_MS) continue;
    compiled.destroy();
    return ms / 1000 / count;
  }
}

function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => 2 * random(seed, i) - 1);
}
