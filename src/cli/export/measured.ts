/**
 * How much of a model its GGUF file has kept: a text under both, and where an adapter was merged in,
 * what the adapter costs the text under a file of the base that is rounded the same way.
 *
 * @module
 */
import { join } from "node:path";
import { faultNames, loadExamples, rowTokenizer } from "../../data/mod.ts";
import { queueDocuments, rowsFor } from "../../eval/documents.ts";
import { exportGguf } from "../../export/gguf_model.ts";
import { inUnit } from "../../forgetting/budget.ts";
import { counted, riseOf } from "../../forgetting/rises.ts";
import { openModel } from "../../inference/open.ts";
import type { Device } from "../../gpu/device.ts";
import { remove } from "../../io/folders.ts";
import { LossProgram } from "../../models/loss_program.ts";
import { openTuned } from "../../tune/cache.ts";
import { say } from "../lib/term.ts";

/** A file, and what it was made of. */
export interface ExportedFile {
  readonly base: string;
  /** The PEFT folder that was merged in, where one was. */
  readonly adapter: string | undefined;
  readonly out: string;
  readonly type: string | undefined;
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

/** Nats of each supervised token, document by document. */
type Nats = readonly Float32Array[];

/**
 * Measures the file on the documents in `text`, each alone and cut at the context's length.
 *
 * @throws {FileError} where the file is of an architecture that is written but not read.
 */
export async function measureKept(exported: ExportedFile, text: string): Promise<Kept> {
  const { base, adapter, out, type } = exported;
  using device = await openTuned({}, say);
  const made = await natsOf(device, base, text, adapter);
  const written = await natsOf(device, out, text);
  const [madeMean, writtenMean] = [meanOf(made), meanOf(written)];
  const tokens = made.reduce((sum, { length }) => sum + length, 0);
  const rises = adapter === undefined ? null : {
    made: riseFrom(await natsOf(device, base, text), made),
    written: riseFrom(await roundedNats(device, { base, type }, text), written),
  };
  return { documents: made.length, tokens, made: madeMean, written: writtenMean, adapter: rises };
}

/** Of the base in a file of the same kind, which is removed again. */
async function roundedNats(
  device: Device,
  { base, type }: Pick<ExportedFile, "base" | "type">,
  text: string,
): Promise<Nats> {
  const folder = Deno.makeTempDirSync({ prefix: "graft_export_" });
  try {
    const rounded = join(folder, "base.gguf");
    exportGguf(base, rounded, { type });
    return await natsOf(device, rounded, text);
  } finally {
    remove(folder);
  }
}

async function natsOf(
  device: Device,
  place: string,
  text: string,
  adapter?: string,
): Promise<Nats> {
  using open = openModel(device, place, adapter, { say });
  const { engine, model, adapt } = open;
  const { vocabSize, context: maxTokens } = model.config;
  const { examples } = await loadExamples({ path: text, format: "text" }, rowTokenizer(model), {
    ...{ maxTokens, onTooLong: "truncate", vocabSize, allow: faultNames },
  });
  const program = await LossProgram.open(engine, model, { T: rowsFor(examples), adapt });
  try {
    return await (await queueDocuments(program, examples)).result;
  } finally {
    program.compiled.destroy();
  }
}

function meanOf(documents: Nats): number {
  let [sum, tokens] = [0, 0];
  for (const nats of documents) {
    for (const x of nats) sum += x;
    tokens += nats.length;
  }
  return sum / tokens;
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
