/**
 * `deno task doctor`: shows what this machine can do, and whether its GPU computes rightly.
 *
 * @module
 */
import { checkKernels, type KernelCheck } from "../check/kernels.ts";
import { GpuError } from "../errors.ts";
import { type AdapterSeen, adaptersSeen } from "../gpu/adapters.ts";
import { type Device, openDevice } from "../gpu/device.ts";
import { subgroupSize } from "../gpu/subgroups.ts";
import { row } from "../runs/panel.ts";
import { type Host, hostOf } from "./doctor/host.ts";
import { K, M, N, type Roofs, roofsOf } from "./doctor/roofs.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { answer } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "doctor [--brief]",
  summary:
    "Shows what this machine can do, and holds every kernel to its twin in 64 bits on its GPU.",
  flags: {
    brief: { type: "boolean", help: "leave the kernels unchecked, which takes a minute or more" },
    json: { type: "boolean", help: "print one JSON object" },
  },
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

/** What was found. */
interface Report {
  readonly adapter: string;
  /** Whether the CPU stands in for a GPU. */
  readonly software: boolean;
  /** All that this process could be given, {@link adapter} first. */
  readonly adapters: readonly AdapterSeen[];
  /** The set of kernels that suits the adapter. */
  readonly kernels: string;
  /** Where kernels read matrices. */
  readonly matrices: string;
  readonly features: readonly string[];
  /** Lanes that run together, found by asking; null where it cannot be asked. */
  readonly subgroups: number | null;
  readonly limits: Readonly<Record<string, number>>;
  readonly host: Host;
  readonly roofs: Roofs;
  /** Null where it was not asked for. */
  readonly check: KernelCheck | null;
  readonly hints: readonly string[];
}

/** Runs the command; resolves to the exit code, 1 where no GPU can be used, or one computes wrongly. */
export async function run(args: string[]): Promise<number> {
  const { flags } = parseArguments(COMMAND, args);
  using device = await openDevice();
  const check = flags["brief"] === undefined ? await checkKernels(device) : null;
  return await tellOf(device, check, flags["json"] !== undefined);
}

/**
 * Prints what was found.
 *
 * @throws {GpuError} where a kernel is wrong.
 */
export async function tellOf(
  device: Device,
  check: KernelCheck | null,
  json: boolean,
): Promise<number> {
  const report: Report = {
    adapter: device.adapter,
    software: device.software,
    adapters: await adaptersSeen(),
    kernels: device.kernelSet,
    matrices: device.matrixReads,
    features: [...device.gpu.features].sort(),
    subgroups: await subgroupSize(device),
    limits: Object.fromEntries(LIMITS.map((name) => [name, device.limits[name]])),
    host: hostOf(),
    roofs: await roofsOf(device),
    check,
    hints: hintsFor(device),
  };
  if (json) answer(JSON.stringify(report));
  else for (const line of lines(report)) answer(line);
  if (check === null || check.wrong.length === 0) return 0;
  const names = check.wrong.map(({ name }) => name).join(", ");
  throw new GpuError(
    `${device.adapter} computes wrongly (${names}): what it trains is of no use; try another ` +
      "driver, and report the block above",
  );
}

/** The report as a block to paste. */
function lines(report: Report): string[] {
  const {
    adapter,
    adapters,
    software,
    kernels,
    matrices,
    features,
    subgroups,
    limits,
    host,
    roofs,
  } = report;
  const versions = Object.entries(host.versions).map(([name, version]) => `${name} ${version}`);
  return [
    row("versions", versions.join(", ")),
    row("system", `${host.system}, ${host.cores} cores`),
    row("memory", `${sizeOf(host.memory.available)} free of ${sizeOf(host.memory.total)}`),
    ...host.disk.map(({ what, folder, free }, i) =>
      row(
        i === 0 ? "disk" : "",
        `${free === null ? "nothing yet" : `${sizeOf(free)} free`} for ${what} in ${folder}`,
      )
    ),
    row("adapter", `${adapter}${software ? " (software)" : ""}`),
    row("instead", adapters.slice(1).map(({ name }) => name).join(", ") || "no other is seen"),
    row("features", features.join(", ")),
    row("subgroups", subgroups === null ? "none" : `of ${subgroups} lanes`),
    ...Object.entries(limits).map(([name, limit], i) =>
      row(i === 0 ? "limits" : "", `${name} ${sizeOf(limit)}`)
    ),
    row("product", `${roofs.gflops.toFixed(1)} GFLOP/s at ${M}x${N}x${K}`),
    row("copy", `${roofs.gigabytes_per_second.toFixed(1)} GB/s`),
    row("kernels", `${kernels}, matrices out of ${matrices}s`),
    ...checkLines(report.check),
    ...report.hints.map((hint) => row("hint", hint)),
  ];
}

function checkLines(check: KernelCheck | null): string[] {
  if (check === null) return [row("check", "left out by --brief")];
  const { kernels, cases, wrong, worst } = check;
  const right = `${kernels.length} kernels in ${cases} cases`;
  if (wrong.length === 0) {
    return [
      row("check", `${right}: as their twins, the largest error ${percent(worst)} of what may be`),
    ];
  }
  return [
    row("check", `${right}: ${wrong.length} wrong`),
    ...wrong.map(({ name, kernels, message }) =>
      row("wrong", `${name} (${kernels.join(", ")}): ${message}`)
    ),
  ];
}

const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;

const sizeOf = (bytes: number): string =>
  bytes < 2 ** 20
    ? `${bytes}`
    : bytes < 2 ** 33
    ? `${(bytes / 2 ** 20).toFixed(0)} MiB`
    : `${(bytes / 2 ** 30).toFixed(0)} GiB`;

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
