/**
 * `deno task init`: writes a config after a look at a model and rows.
 *
 * @module
 */
import { basename, dirname, extname, relative, resolve } from "node:path";
import { parseConfig, presetNamed } from "../config/mod.ts";
import { ConfigError } from "../errors.ts";
import { exists, writeText } from "../io/files.ts";
import { resolveData } from "../io/hub/mod.ts";
import { Model } from "../models/model.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { type Draft, draftText } from "./lib/draft.ts";
import { shellWord } from "./lib/shell.ts";
import { answer, dim, say } from "./lib/term.ts";
import { inspect } from "./inspect.ts";
import { CONFIG_FLAGS } from "./train.ts";

const COMMAND: Command = {
  usage: "init MODEL DATA... [--preset NAME] [--out train.yaml]",
  summary: "Looks at a model and at rows, and writes a config for them with comments.",
  flags: {
    ...CONFIG_FLAGS,
    out: { type: "string", help: "the file to write, .yaml; train.yaml by default" },
  },
  positionals: [2, Infinity],
  config: false,
};

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [place, ...paths], flags } = parseArguments(COMMAND, args);
  const { out = "train.yaml", preset: named = "standard" } = flags;
  if (!/\.ya?ml$/.test(out)) {
    throw new ConfigError(`Found --out ${out}, wanted a name that ends in .yaml`);
  }
  if (exists(out)) throw new ConfigError(`Found ${out} there already, wanted another --out`);
  const preset = presetNamed(named);
  const values = { model: place, data: paths.map((path) => ({ path })) };
  const { config } = parseConfig({ preset, values });
  using model = new Model(await fetchFolder(config.model, "model"));
  const report = await inspect(model, config, () => {});
  const folder = dirname(resolve(out));
  const draft: Draft = {
    model,
    place: exists(place!) ? within(folder, place!) : place!,
    paths: paths.map((path) => within(folder, path)),
    out: `runs/${basename(paths[0]!, extname(paths[0]!)).replace(/[^\w.-]/g, "_") || "run"}`,
    file: out,
    config,
    preset,
    report,
  };
  const text = draftText(draft);
  writeText(out, text);
  parseConfig({ file: out }); // what is written must be what is read
  for (const line of text.trimEnd().split("\n")) say(dim(line));
  answer(`wrote       ${out}`);
  answer(`next        deno task inspect ${shellWord(out)}`);
  answer(`            deno task train ${shellWord(out)}`);
  return 0;
}

/** A path as a file in `folder` says it. */
const within = (folder: string, path: string): string => {
  const place = resolveData(".", path);
  if (place === path) return path; // an absolute path, or a dataset of the hub
  const near = relative(folder, place);
  return near.startsWith("..") ? place : near || ".";
};
