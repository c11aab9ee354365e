/**
 * `deno task guard-experiment`: the guard against other ways to forget less, arm by arm.
 *
 * @module
 */
import { join } from "node:path";
import { type Cell, runCells } from "../bench/guard/cell.ts";
import { picture } from "../bench/guard/picture.ts";
import { type Arm, readSpec, type Spec } from "../bench/guard/spec.ts";
import { claims, table } from "../bench/guard/table.ts";
import { ConfigError } from "../errors.ts";
import type { Device } from "../gpu/device.ts";
import { openTuned } from "../tune/cache.ts";
import {
  encodeUtf8,
  exists,
  onDisk,
  readText,
  writeAll,
  writeFile,
  writeJson,
} from "../io/files.ts";
import { remove } from "../io/folders.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { answer, dim, say } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "guard-experiment SPEC.json --out DIR",
  summary:
    "Trains every arm at every budget and seed, scales and certifies each, measures all on text " +
    "and rows that nothing else has used, and writes a table and a picture. What is in DIR already " +
    "is not trained again.",
  flags: {
    out: { type: "string", help: "folder of the results" },
    only: { type: "string", help: 'trainings whose name holds this text, such as "seed 1"' },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, 1],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [file], flags: { out, only, json } } = parseArguments(COMMAND, args);
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const spec = readSpec(file!);
  const cells: Cell[] = [];
  using device = await openTuned({}, say);
  const trainings = plan(spec, only ?? "");
  for (const [i, training] of trainings.entries()) {
    const path = join(out, `${training.name}.json`);
    if (!exists(path)) {
      say(dim(`${i + 1}/${trainings.length} ${training.name}`));
      writeJson(path, await trainOne(device, spec, training, out));
    }
    cells.push(...JSON.parse(readText(path)) as Cell[]);
  }
  const judged = claims(cells, spec);
  const text = [
    table(cells, spec),
    "",
    ...judged.map(({ name, holds, found }) => `${holds ? "met" : "NOT met"}  ${name}: ${found}`),
    "",
  ].join("\n");
  const write = (name: string, content: string) =>
    writeFile(join(out, name), (file) => writeAll(file, encodeUtf8(content)));
  write("table.md", text);
  write("picture.svg", picture(cells, spec));
  answer(json ? JSON.stringify({ cells, claims: judged }) : text);
  return 0;
}

/** One training: a controlled arm has one for each budget. */
interface Training {
  readonly name: string;
  readonly arm: Arm;
  readonly seed: number;
  readonly budgets: readonly number[];
}

/** Seeds outermost, so that a part of the experiment is whole early. */
function plan({ arms, budgets, seeds }: Spec, only: string): Training[] {
  return seeds.flatMap((seed) =>
    arms.flatMap((arm): Training[] => {
      const name = `seed ${seed} ${arm.name}`;
      if (!arm.isControlled) return [{ name, arm, seed, budgets }];
      return budgets.map((budget) => ({
        ...{ name: `${name} ${budget} %`, arm, seed, budgets: [budget] },
      }));
    })
  ).filter(({ name }) => name.includes(only));
}

async function trainOne(device: Device, spec: Spec, training: Training, out: string) {
  const { name, arm, seed, budgets } = training;
  const folder = join(out, `${name} run`);
  // An arm that does not control keeps the checkpoints around the middle budget.
  const budget = budgets[Math.floor(budgets.length / 2)]!;
  const parsed = spec.config(arm, seed, budget, folder);
  try {
    return await runCells(device, spec, parsed, budgets, { arm: arm.name, seed });
  } finally {
    onDisk(`Cannot remove ${folder}`, () => {
      if (exists(folder)) remove(folder);
    });
  }
}
