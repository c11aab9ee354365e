/**
 * `deno task tune`: finds the fastest kernels for a model's products on this GPU.
 *
 * @module
 */
import { type Device, openDevice, type Product } from "../gpu/device.ts";
import { withShape } from "../train/open.ts";
import { resolveModel } from "../train/resolve_model.ts";
import { sizeRun } from "../train/sizes/choice.ts";
import { keepTiles, tilesFile } from "../tune/cache.ts";
import { type Counted, productsOf } from "../tune/products.ts";
import { tune, type Tuning } from "../tune/tune.ts";
import { type Arguments, type Command, parseArguments } from "./lib/args.ts";
import { columns } from "./lib/columns.ts";
import { hubReports } from "./lib/hub.ts";
import { numberOf } from "./lib/number.ts";
import { answer, say } from "./lib/term.ts";
import { configOf } from "./train.ts";

const COMMAND: Command = {
  usage: "tune [MODEL | CONFIG.json] [--seconds N] [--section.key value]...",
  summary:
    "Times the kernels of a model's largest products, forward and backward, on this GPU; runs that " +
    "follow take the fastest. The quickstart's model where none is named.",
  flags: {
    seconds: { type: "string", help: "after which no further product is begun (default: 10)" },
    json: { type: "boolean", help: "print one JSON object" },
  },
  positionals: [0, 1],
  config: true,
};

/** Runs the command and resolves to its exit code. */
export async function run(args: string[]): Promise<number> {
  const parsed = parseArguments(COMMAND, args);
  const seconds = numberOf(parsed.flags, "seconds", 10, { least: 0 });
  using device = await openDevice();
  const products = await productsOfStep(device, parsed);
  say(`${device.adapter}, ${device.kernelSet} kernels, matrices in ${device.matrixReads}s`);
  const onProduct = (product: Product) => say(`timing ${nameOf(product)}`);
  const found = await tune(device, products, { seconds, onProduct });
  const path = tilesFile(device);
  keepTiles(device, path, found);
  if (parsed.flags["json"]) answer(JSON.stringify({ adapter: device.adapter, file: path, found }));
  else for (const line of table(found, products.length)) answer(line);
  say(`saved in ${path}`);
  return 0;
}

/** What a training step of the config multiplies, at the length that is set or the least. */
async function productsOfStep(device: Device, parsed: Arguments): Promise<Counted[]> {
  const { parsed: { config } } = await resolveModel(configOf(namedModel(parsed)), hubReports());
  return await withShape(config, { device }, async (shape) => {
    const { plan } = await sizeRun(shape, config, null, () => Promise.resolve(null));
    const { graph } = shape.model.lossGraph(shape.engine, { ...plan.context.graph, train: true });
    return productsOf(device, [graph]);
  });
}

/** A model in place of a config is one with the defaults; no rows are read. */
function namedModel(parsed: Arguments): Arguments {
  const [named] = parsed.positionals;
  if (named === undefined || named.endsWith(".json")) return parsed;
  return { ...parsed, positionals: [], config: { model: named, data: "rows", ...parsed.config } };
}

const nameOf = ({ kernel, type, m, n, k }: Product): string => `${kernel} ${type} ${m}x${n}x${k}`;

function table(found: readonly Tuning[], all: number): string[] {
  const rows = found.map(({ product, times, results, chosen }) => [
    nameOf(product),
    `${times}`,
    ...results.map(({ tile, ms, fault }) => `${tile} ${ms?.toFixed(2) ?? fault}`),
    chosen === results[0]!.tile ? "default" : `-> ${chosen}`,
  ]);
  const most = Math.max(0, ...rows.map(({ length }) => length));
  const tiles = Array.from({ length: most - 3 }, () => "ms");
  const padded = rows.map((row) => [
    ...row.slice(0, -1),
    ...Array.from({ length: most - row.length }, () => ""),
    row.at(-1)!,
  ]);
  return [
    ...columns([["product", "a step", ...tiles, "taken"], ...padded], { right: [1] }),
    ...(found.length < all
      ? [`${all - found.length} smaller products were not timed; --seconds gives them time`]
      : []),
  ];
}
