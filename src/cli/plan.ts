/**
 * `deno task plan`: what a run takes on the device, before any weight is read.
 *
 * @module
 */
import { mib, totalOf, updateText } from "../runs/panel.ts";
import { explainRun, type PlannedRun } from "../train/open.ts";
import { resolveModel } from "../train/resolve_model.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { columns } from "./lib/columns.ts";
import { hubReports } from "./lib/hub.ts";
import { answer } from "./lib/term.ts";
import { configOf } from "./train.ts";

const COMMAND: Command = {
  usage: "plan [CONFIG.json] [--gpu] [--section.key value]...",
  summary:
    "Shows what a run takes on the device, byte for byte, and whether that fits into what is free " +
    "or train.memory_gib. A model's config.json is enough; rows are read where their length " +
    "decides. The quickstart where neither a config nor a model is named.",
  flags: {
    gpu: { type: "boolean", help: "with the kernels for GPUs, whatever device is here" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [0, 1],
  config: true,
};

/** The kernels for GPUs read matrices from buffers. */
const LIKE_A_GPU = { kernelSet: "shared", matrixReads: "buffer" } as const;

/** Runs the command and resolves to its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const { parsed: { config } } = await resolveModel(configOf(parsed), hubReports());
  const planned = await explainRun(config, parsed.flags["gpu"] ? { like: LIKE_A_GPU } : {});
  if (parsed.flags["json"]) answer(JSON.stringify(reportOf(planned)));
  else for (const line of linesOf(reportOf(planned))) answer(line);
  return 0;
}

/** A plan as JSON; all sizes in bytes. */
function reportOf({ plan, why, limit, device }: PlannedRun) {
  const { config, context: { maxTokens }, memory } = plan;
  const { model, train } = config;
  const total = totalOf(memory);
  return {
    model,
    device: { name: device.adapter, kernels: device.kernelSet, matrices: device.matrixReads },
    length: { tokens: maxTokens, why },
    update: updateText(config),
    tokens_per_batch: train.tokens_per_batch,
    micro_batch_tokens: train.micro_batch_tokens,
    recompute: train.recompute,
    memory,
    total,
    limit: limit && { bytes: limit.bytes, by: limit.by },
    fits: limit && total <= limit.bytes,
  };
}

function linesOf(report: ReturnType<typeof reportOf>): string[] {
  const { model, device, length, memory, total, limit, fits } = report;
  const { update, micro_batch_tokens: T, recompute } = report;
  const parts = Object.entries(memory).filter(([, bytes]) => bytes > 0);
  const rows = [...parts, ["total", total] as const].map(([name, bytes]) => [name, mib(bytes)]);
  const again = recompute ? ", activations are computed again" : "";
  return [
    `model    ${model}`,
    `device   ${device.name}, ${device.kernels} kernels, matrices in ${device.matrices}s`,
    `length   rows of up to ${length.tokens} tokens: ${length.why}`,
    `update   ${update}, ${T} tokens at a time${again}`,
    "",
    ...columns(rows, { right: [1] }),
    "",
    limit === null
      ? "how much the device has is not known; train.memory_gib says it"
      : `${fits ? "fits into" : "does not fit into"} ${limit.by} (${mib(limit.bytes)})`,
  ];
}
