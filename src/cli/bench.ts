/**
 * `deno task bench`: the speed of the kernels and of whole training steps on this machine.
 *
 * @module
 */
import { against, type Earlier, machineOf, readEarlier } from "../bench/against.ts";
import { dataBenches } from "../bench/data.ts";
import { kernelBenches } from "../bench/kernels.ts";
import { loraDecoder } from "../bench/lora_decoder.ts";
import { measure, type Measurement, type Work } from "../bench/measure.ts";
import { stepBenches } from "../bench/steps.ts";
import { ConfigError } from "../errors.ts";
import { openTuned } from "../tune/cache.ts";
import type { Timing } from "../gpu/program.ts";
import { type Engine, openEngine } from "../graph/compile.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { numberOf } from "./lib/number.ts";
import { answer, say } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "bench [--only TEXT] [--rounds N] [--against FILE]",
  summary:
    "Times kernels and whole LoRA steps on random numbers, always the same, and the way of data.",
  flags: {
    only: { type: "string", help: "those whose name holds this text" },
    rounds: { type: "string", help: "how often each is timed, in turns (default: 5)" },
    profile: { type: "boolean", help: "the share of each kernel in a LoRA step instead" },
    against: { type: "string", help: "compare with what --json printed here earlier" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [0, 0],
  config: false,
};

/** Runs the command and resolves to its exit code. */
export async function run(args: string[]): Promise<number> {
  const { flags } = parseArguments(COMMAND, args);
  const rounds = numberOf(flags, "rounds", 5, { least: 1, whole: true });
  const benches = [...kernelBenches(), ...stepBenches(), ...dataBenches()]
    .filter(({ name }) => name.includes(flags["only"] ?? ""));
  if (benches.length === 0) throw new ConfigError(`Found no benchmark named ${flags["only"]}`);
  if (flags["profile"] && flags["against"] !== undefined) {
    throw new ConfigError("--against compares what is timed in turns, --profile times each alone");
  }
  using device = await openTuned({}, say);
  const engine = openEngine(device);
  say(`${device.adapter}, ${device.kernelSet} kernels, matrices in ${device.matrixReads}s`);
  if (flags["profile"]) return printProfile(await profile(engine), flags["json"] !== undefined);
  const machine = machineOf(device);
  const earlier = flags["against"] === undefined ? null : readEarlier(flags["against"], machine);
  say(`compiling ${benches.length} benchmarks; a first run on a machine takes a minute or two`);
  const works: Work[] = [];
  for (const { open } of benches) works.push(await open(engine));
  const results = await measure(device, works, rounds);
  if (flags["json"]) {
    const compared = results.map((result) => ({
      ...result,
      ...(earlier && { against: against(result, earlier) }),
    }));
    answer(JSON.stringify({ ...machine, rounds, results: compared }));
  } else {
    const headings = [...HEADINGS, ...(earlier ? COMPARED : []), ""];
    for (const line of [headings, ...results.map((result) => cells(result, earlier))]) {
      answer(row(line));
    }
  }
  return 0;
}

const HEADINGS = ["", "ms", "best ms", "CPU ms", "GFLOP/s", "best", "/CPU s", "tokens/s"];
/** Of the earlier measurement, and how many times as fast the one of now is. */
const COMPARED = ["ms then", "times", "CPU then", "times"];

function cells(m: Measurement, earlier: Earlier | null): string[] {
  const fixed = (number: number | undefined, digits: number) => number?.toFixed(digits) ?? "";
  return [
    m.name,
    ...[m.ms, m.best_ms, m.cpu_ms].map((ms) => fixed(ms, 3)),
    ...[m.gflops, m.best_gflops, m.gflop_per_cpu_second].map((speed) => fixed(speed, 1)),
    fixed(m.tokens_per_second, 0),
    ...(earlier ? compared(m, earlier) : []),
    m.note === undefined ? "" : `  ${m.note}`,
  ];
}

function compared(m: Measurement, earlier: Earlier): string[] {
  const before = against(m, earlier);
  if (!before) return COMPARED.map(() => "");
  const { ms, cpu_ms, faster, faster_per_cpu } = before;
  return [ms.toFixed(3), faster.toFixed(2), cpu_ms.toFixed(3), faster_per_cpu.toFixed(2)];
}

const row = ([name = "", ...rest]: readonly string[]): string =>
  [name.padEnd(46), ...rest.map((cell) => cell.padStart(10))].join("").trimEnd();

/** Dispatches of one kernel and their share of a step. */
interface Share {
  readonly kernel: string;
  readonly dispatches: number;
  readonly ms: number;
  readonly share: number;
}

/** What each kernel takes of a LoRA step over bf16 weights, largest first. */
async function profile(engine: Engine): Promise<Share[]> {
  const { work, program } = await loraDecoder(engine, "profile", "bf16");
  work.replay();
  await engine.device.idle();
  const timings = await program.profile();
  const total = milliseconds(timings);
  return [...Map.groupBy(timings, ({ kernel }) => kernel)].map(([kernel, own]) => ({
    kernel,
    dispatches: own.length,
    ms: milliseconds(own),
    share: milliseconds(own) / total,
  })).sort((a, b) => b.ms - a.ms);
}

const milliseconds = (timings: readonly Timing[]): number =>
  timings.reduce((sum, { ms }) => sum + ms, 0);

function printProfile(shares: readonly Share[], json: boolean): number {
  if (json) answer(JSON.stringify({ profile: shares }));
  else {
    answer(row(["kernel", "dispatches", "ms", "share"]));
    for (const { kernel, dispatches, ms, share } of shares) {
      answer(row([kernel, `${dispatches}`, ms.toFixed(2), `${(100 * share).toFixed(1)} %`]));
    }
  }
  return 0;
}
