/**
 * `deno task doctor`: shows what this machine can do, and checks one product on its GPU.
 *
 * @module
 */
import { GpuError } from "../errors.ts";
import { readFloats, upload } from "../gpu/buffer.ts";
import { type Device, openDevice } from "../gpu/device.ts";
import { compile, openEngine } from "../graph/compile.ts";
import { Graph } from "../graph/graph.ts";
import { blocksOf } from "../models/weights.ts";
import { linear } from "../ops/mod.ts";
import { random } from "../random.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { answer } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "doctor",
  summary: "Shows the GPU that training would use, and checks it with one product of matrices.",
  flags: { json: { type: "boolean", help: "print one JSON object" } },
  positionals: [0, 0],
  config: false,
};

/** The limits that decide which models fit. */
const LIMITS = [
  "maxBufferSize",
  "maxStorageBufferBindingSize",
  "maxStorageBuffersPerShaderStage",
  "maxComputeWorkgroupStorageSize",
  "maxComputeInvocationsPerWorkgroup",
] as const;

/** y [M, N] = x [M, K] w [N, K]^T, the shape of a linear layer. */
const M = 512;
const N = 768;
const K = 768;
/** Numbers of y that are compared with f64. */
const SAMPLES = 256;
/** f32 sums of K products of numbers below 1 stay well within this. */
const TOLERANCE = 1e-4;
/** How long the product is timed, so that waiting for it weighs little. */
const TIMED_MS = 300;

/** Runs the command; resolves to the exit code, 1 where no GPU can be used. */
export async function run(args: string[]): Promise<number> {
  const { flags } = parseArguments(COMMAND, args);
  using device = await openDevice();
  const product = await checkProduct(device);
  const report: Report = {
    adapter: device.adapter,
    software: device.software,
    kernels: device.kernelSet,
    matrices: device.matrixReads,
    features: [...device.gpu.features].sort(),
    limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])),
    deno: Deno.version.deno,
    system: `${Deno.build.os} ${Deno.build.arch}`,
    product,
    hints: hintsFor(device),
  };
  if (flags["json"]) answer(JSON.stringify(report));
  else print(report);
  if (product.error <= TOLERANCE) return 0;
  throw new GpuError(
    `${device.adapter} multiplies wrongly: an error of ${product.error}, wanted at ` +
      `most ${TOLERANCE}; try another driver`,
  );
}

interface Report {
  readonly adapter: string;
  /** Whether the CPU stands in for a GPU. */
  readonly software: boolean;
  /** The set of kernels that suits the adapter. */
  readonly kernels: string;
  /** Where kernels read matrices. */
  readonly matrices: string;
  readonly features: readonly string[];
  readonly limits: Readonly<Record<string, number>>;
  readonly deno: string;
  readonly system: string;
  /** The largest error of the product, and its speed. */
  readonly product: { readonly error: number; readonly gflops: number };
  readonly hints: readonly string[];
}

function print({ adapter, software, kernels, features, limits, product, hints, ...host }: Report) {
  const { error, gflops } = product;
  const rows = [
    ["Deno", `${host.deno}, ${host.system}`],
    ["adapter", `${adapter}${software ? " (software)" : ""}`],
    ["kernels", kernels],
    ["matrices", `${host.matrices}s`],
    ["features", features.join(", ")],
    ...Object.entries(limits).map(([name, limit]) => [name, sizeOf(limit)]),
    ["product", `${M}x${N}x${K}: ${gflops.toFixed(1)} GFLOP/s, error ${error.toExponential(1)}`],
    ...hints.map((hint) => ["hint", hint]),
  ];
  for (const [name, text] of rows) answer(`${name!.padEnd(34)}${text}`);
}

const sizeOf = (bytes: number): string =>
  bytes < 2 ** 20 ? `${bytes}` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;

/** Multiplies matrices, compares some results with f64, and times it. */
async function checkProduct(device: Device): Promise<{ error: number; gflops: number }> {
  const graph = new Graph(device.kernelSet);
  const x = graph.input("x", [M, K], "f32");
  const w = graph.weight("w", [N, K], "f32", "blocks");
  graph.output("y", linear(graph, x, w));
  const engine = openEngine(device);
  const a = noise(M * K, 1);
  const b = noise(N * K, 2);
  upload(device, engine.store.addWeight(w), blocksOf(b, [N, K]));
  const compiled = await compile(engine, graph);
  compiled.write("x", a);
  compiled.program.replay();
  const y = await readFloats(device, compiled.output("y"));
  const gflops = await speed(device, () => compiled.program.replay());
  compiled.destroy();
  engine.store.destroy();
  return { error: largestError(y, a, b), gflops };
}

function noise(length: number, seed: number): Float32Array<ArrayBuffer> {
  return Float32Array.from({ length }, (_, i) => 2 * random(seed, i) - 1);
}

function largestError(y: Float32Array, a: Float32Array, b: Float32Array): number {
  const errors = Array.from({ length: SAMPLES }, (_, i) => {
    const row = Math.floor(M * random(3, i));
    const column = Math.floor(N * random(4, i));
    let sum = 0;
    for (let k = 0; k < K; k++) sum += a[row * K + k]! * b[column * K + k]!;
    return Math.abs(y[row * N + column]! - sum);
  });
  return Math.max(...errors);
}

/** Billions of operations a second, over twice as many products each time until they take long. */
async function speed(device: Device, replay: () => void): Promise<number> {
  for (let count = 1;; count *= 2) {
    const start = performance.now();
    for (let i = 0; i < count; i++) replay();
    await device.idle();
    const ms = performance.now() - start;
    if (ms > TIMED_MS) return 2 * M * N * K * count / ms / 1e6;
  }
}

function hintsFor(device: Device): string[] {
  const hints: string[] = [];
  if (device.software) {
    hints.push(
      "this adapter computes on the CPU; if there is a GPU, install its Vulkan driver " +
        "(mesa-vulkan-drivers for AMD and Intel, the vendor's for NVIDIA)",
    );
  }
  if (!device.has("timestamp-query")) hints.push("no timestamp-query: profiles are not available");
  if (device.limits.maxStorageBufferBindingSize < 2 ** 27) {
    hints.push("bindings are below 128 MiB: large embeddings will not fit");
  }
  return hints;
}
