/**
 * `deno task combine`: makes one adapter of several.
 *
 * @module
 */
import { resolve } from "node:path";
import { combine, type Combined } from "../adapters/combine/combine.ts";
import {
  COMBINE_METHODS,
  type CombineMethod,
  type CombineMethodName,
  MAJORITIES,
  type Majority,
} from "../adapters/combine/methods.ts";
import { readPeft, writePeft } from "../adapters/peft/folder.ts";
import { ConfigError } from "../errors.ts";
import { adapterFolder, baseFolderOf } from "../adapters/saved.ts";
import { refuseOccupied } from "../io/checkpoint.ts";
import { nearest } from "../io/nearest.ts";
import { seenTogether } from "../objectives/documents.ts";
import { documentsSeenBy, writeDocuments } from "../runs/documents.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { numberOf } from "./lib/number.ts";
import { answer } from "./lib/term.ts";

const NAMES = Object.keys(COMBINE_METHODS) as CombineMethodName[];

const COMMAND: Command = {
  usage: "combine ADAPTER... --weights 0.7,0.3 --out DIR [--method svd]",
  summary:
    "Makes one LoRA adapter of several of one base, as PEFT's add_weighted_adapter does. Nothing " +
    "is trained; deno task guard certifies the result.",
  flags: {
    weights: { type: "string", help: "what each adapter counts, in their order; may be negative" },
    method: { type: "string", help: `${NAMES.join(", ")}; svd by default` },
    density: { type: "string", help: "share of numbers that ties, dare and magnitude_prune keep" },
    majority: { type: "string", help: "the sign that ties elects: total (default) or frequency" },
    rank: { type: "string", help: "rank of a method that ends in svd; the adapters' largest" },
    seed: { type: "string", help: "decides what dare leaves out; 0 by default" },
    base: { type: "string", help: "base of all of them, where they name different ones" },
    out: { type: "string", help: "folder of the new adapter" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [1, Infinity],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals, flags } = parseArguments(COMMAND, args);
  const { out } = flags;
  if (out === undefined) throw new ConfigError(`Found no --out, wanted one: ${COMMAND.usage}`);
  const method = methodOf(flags["method"]);
  const weights = weightsOf(flags["weights"], positionals);
  const options = optionsOf(method, flags);
  refuseOccupied(out);
  const given: Combined[] = [];
  for (const [i, place] of positionals.entries()) {
    const folder = adapterFolder(await fetchFolder(place, "adapter"));
    given.push({ folder, adapter: readPeft(folder), weight: weights[i]! });
  }
  const baseModel = flags["base"] ?? oneBase(given);
  const { adapter, lost } = combine(given, { method, ...options, baseModel });
  writePeft(out, adapter);
  writeDocuments(out, seenTogether(given.map(({ folder }) => documentsSeenBy(folder))));
  const { rank, modules } = adapter;
  if (flags["json"]) answer(JSON.stringify({ out, method, rank, modules: modules.length, lost }));
  else {
    const part = COMBINE_METHODS[method].sums === "updates"
      ? `; the rank took ${(100 * lost).toPrecision(2)} % of the update`
      : "";
    answer(`${out}: ${modules.length} modules of ${given.length} adapters, rank ${rank}${part}`);
  }
  return 0;
}

function methodOf(name = "svd"): CombineMethodName {
  if (Object.hasOwn(COMBINE_METHODS, name)) return name as CombineMethodName;
  const [near] = nearest(name, NAMES, 1);
  throw new ConfigError(
    `Found --method ${name}, ${near ? `the nearest is ${near}` : `wanted ${NAMES.join(", ")}`}`,
  );
}

/** @throws {ConfigError} unless each adapter has a number. */
function weightsOf(text: string | undefined, adapters: readonly string[]): number[] {
  const words = text?.split(",") ?? [];
  const weights = words.map((word) => word.trim() === "" ? NaN : Number(word));
  if (weights.length === adapters.length && weights.every(Number.isFinite)) return weights;
  throw new ConfigError(
    `Found ${
      text === undefined ? "no --weights" : `--weights ${text}`
    }, wanted a number for each ` +
      `of ${adapters.length} adapters, as 0.7,0.3`,
  );
}

/** @throws {ConfigError} for a setting that the method has no use for, or lacks. */
function optionsOf(name: CombineMethodName, flags: Readonly<Record<string, string>>) {
  const { sums, prunes, elects }: CombineMethod = COMBINE_METHODS[name];
  const uses = {
    density: prunes !== undefined,
    majority: elects === true,
    rank: sums === "updates",
    seed: prunes === "random",
  };
  const stray = Object.entries(uses).find(([flag, isUsed]) => !isUsed && flags[flag] !== undefined);
  if (stray) throw new ConfigError(`Found --${stray[0]}, which ${name} has no use for`);
  if (prunes && flags["density"] === undefined) {
    throw new ConfigError(`Found no --density, wanted one from above 0 to 1 for ${name}`);
  }
  const majority = flags["majority"] ?? "total";
  if (!(MAJORITIES as readonly string[]).includes(majority)) {
    throw new ConfigError(`Found --majority ${majority}, wanted ${MAJORITIES.join(" or ")}`);
  }
  return {
    majority: majority as Majority,
    density: densityOf(flags["density"]),
    seed: numberOf(flags, "seed", 0, { least: 0, whole: true }),
    ...(flags["rank"] !== undefined && {
      rank: numberOf(flags, "rank", 1, { least: 1, whole: true }),
    }),
  };
}

/** @throws {ConfigError} where adapters name different bases. */
function oneBase(given: readonly Combined[]): string {
  const bases = given.map(({ folder, adapter: { baseModel, config } }) => {
    const found = baseFolderOf(folder, baseModel);
    const name = found ?? baseModel;
    return { name, key: found === undefined ? `${name}@${config["revision"]}` : resolve(found) };
  });
  const odd = bases.findIndex(({ key }) => key !== bases[0]!.key);
  if (odd < 0) return bases[0]!.name;
  const [one, other] = [0, odd].map((i) => `${given[i]!.folder} of ${bases[i]!.name || "no base"}`);
  throw new ConfigError(
    `Cannot combine ${one} and ${other}: wanted adapters of one base; --base names it where those ` +
      "are one model",
  );
}

/** @throws {ConfigError} for a share that keeps nothing, or more than there is. */
function densityOf(text = "1"): number {
  const density = text.trim() === "" ? NaN : Number(text);
  if (density > 0 && density <= 1) return density;
  throw new ConfigError(`Found --density ${text}, wanted a number above 0 and at most 1`);
}
