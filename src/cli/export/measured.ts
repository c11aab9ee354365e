/**
 * The same documents under a GGUF file and under what it was made of; how much of the model the file
 * has kept, and where an adapter was merged in, what that costs the text under a file of the base that
 * is rounded the same way.
 *
 * @module
 */
import { join } from "node:path";
import { type Example, faultNames, loadExamples, rowTokenizer } from "../../data/mod.ts";
import { queueDocuments, rowsFor } from "../../eval/documents.ts";
import { exportGguf, type GgufOptions } from "../../export/gguf_model.ts";
import { inUnit } from "../../forgetting/budget.ts";
import { tokenMean } from "../../forgetting/measure.ts";
import { counted, riseOf } from "../../forgetting/rises.ts";
import type { ModelNats, Nats } from "../../forgetting/exported/certify_file.ts";
import type { Device } from "../../gpu/device.ts";
import { type OpenModel, openModel } from "../../inference/open.ts";
import { remove } from "../../io/folders.ts";
import type { Adapt } from "../../models/layers/adapt.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { say } from "../lib/term.ts";

/** A file, and what it was made of. */
export interface ExportedFile {
  readonly base: string;
  /** The PEFT folder that was merged in, where one was. */
  readonly adapter: string | undefined;
  readonly out: string;
  readonly type: string | undefined;
  readonly importance: GgufOptions["importance"];
}

/** Nats a token of a text. Rises are relative, of perplexity: 0.01 is 1 %. */
export interface Kept {
  readonly documents: number;
  readonly tokens: number;
  /** Of base and adapter as they were. */
  readonly made: number;
  /** Of the file. */
  readonly written: number;
  /** What the adapter adds where it can be told: under the base as it was, and under the rounded one. */
  readonly adapter: { readonly made: Rise; readonly written: Rise } | null;
}

/** Of the positions that have risen, as the guard counts; with its standard error. */
interface Rise {
  readonly mean: number;
  readonly se: number;
}

/**
 * Measures the file on the documents in `text`, each alone and cut at the context's length.
 *
 * @throws {FileError} where the file is of an architecture that is written but not read.
 */
export async function measureKept(
  device: Device,
  exported: ExportedFile,
  text: string,
): Promise<Kept> {
  const examples = await examplesOf(device, exported.base, text);
  const { base, made, beside, file } = await measureModels(device, exported, examples);
  return {
    documents: made.length,
    tokens: made.reduce((sum, { length }) => sum + length, 0),
    made: tokenMean(made),
    written: tokenMean(file),
    adapter: exported.adapter === undefined
      ? null
      : { made: riseFrom(base, made), written: riseFrom(beside, file) },
  };
}

async function examplesOf(device: Device, base: string, text: string): Promise<Example[]> {
  using open = openModel(device, base);
  const { vocabSize, context: maxTokens } = open.model.config;
  const { examples } = await loadExamples(
    { path: text, format: "text" },
    rowTokenizer(open.model),
    { maxTokens, onTooLong: "truncate", vocabSize, allow: faultNames },
  );
  return [...examples];
}

/** Measures examples under the file and under what it was made of, one model after another. */
export async function measureModels(
  device: Device,
  exported: ExportedFile,
  examples: readonly Example[],
): Promise<ModelNats> {
  const { base, adapter, out } = exported;
  using open = openModel(device, base, adapter, { say });
  const ofBase = await natsOf(open, examples);
  const made = adapter === undefined ? ofBase : await natsOf(open, examples, open.adapt);
  const of = async (place: string) => {
    using opened = openModel(device, place, undefined, { say });
    return await natsOf(opened, examples);
  };
  const file = await of(out);
  const beside = adapter === undefined ? ofBase : await withBase(exported, of);
  return { base: ofBase, made, beside, file };
}

/** With the base in a file of the same kind, which is removed again. */
async function withBase<T>(
  { base, type, importance }: ExportedFile,
  action: (place: string) => Promise<T>,
): Promise<T> {
  const folder = Deno.makeTempDirSync({ prefix: "graft_export_" });
  try {
    const rounded = join(folder, "base.gguf");
    exportGguf(base, rounded, { type, importance });
    return await action(rounded);
  } finally {
    remove(folder);
  }
}

async function natsOf(
  { engine, model }: OpenModel,
  examples: readonly Example[],
  adapt?: Adapt,
): Promise<Nats> {
  const program = await LossProgram.open(engine, model, { T: rowsFor(examples), adapt });
  try {
    return await (await queueDocuments(program, examples)).result;
  } finally {
    program.compiled.destroy();
  }
}

function riseFrom(base: Nats, tuned: Nats): Rise {
  const { mean, se } = counted(
    tuned.map((nats, i) => riseOf(nats.map((x, t) => x - base[i]![t]!))),
  );
  return { mean: Math.expm1(mean), se };
}

/** What was found, a line each. */
export function describeKept({ documents, tokens, made, written, adapter }: Kept): string[] {
  const rise = ({ mean, se }: Rise) =>
    `${inUnit("ppl", Math.log1p(mean))} (standard error ${(100 * se).toFixed(2)} %)`;
  return [
    `${documents} documents, ${tokens} tokens: ${made.toFixed(5)} nats a token as it was, ` +
    `${written.toFixed(5)} as written, ${inUnit("ppl", written - made)} of perplexity`,
    ...(adapter === null ? [] : [
      `the adapter forgets ${rise(adapter.made)} of perplexity beside its base as it was, ` +
      `${rise(adapter.written)} as written beside the base in a file of the same kind`,
    ]),
  ];
}
