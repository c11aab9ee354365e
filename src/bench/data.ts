/**
 * Data on its way to the device: rows to tokens, tokens to packed micro-batches.
 *
 * @module
 */
import {
  type DataEntry,
  Dataset,
  encode,
  type Example,
  type Examples,
  ExampleStore,
  loadExamples,
  readDocuments,
  type RowTokenizer,
  Stream,
} from "../data/mod.ts";
import { loadTokenizer } from "../io/tokenizer/tokenizer.ts";
import { quickstartFile } from "../quickstart/files.ts";
import type { Bench } from "./kernels.ts";

/** The checkpoint of the quickstart. */
export const BASE: string = quickstartFile("base/");
const ROWS: DataEntry = { path: quickstartFile("instructions.jsonl") };
const SEED = 1;

/** All of them. */
export const dataBenches = (): Bench[] => [
  { name: "data, quickstart rows to tokens", open: () => encoding() },
  { name: "data, quickstart tokens to packed rows", open: () => packing() },
];

/** Endless micro-batches of T tokens of the quickstart's rows, from the disk as in a run. */
export async function quickstartStream(T: number): Promise<Stream> {
  const store = new ExampleStore();
  for (const example of await quickstartExamples()) store.keep(example);
  return streamOf(store, T);
}

/** Files of the quickstart's rows that take some seconds to encode. */
const COPIES = 50;

/** The same of many more rows, most of which are still to be encoded. */
export async function growingStream(T: number): Promise<{ stream: Stream; rows: Dataset }> {
  const entry = { path: Array<string>(COPIES).fill(ROWS.path as string) };
  const from = { tokenizer: baseTokenizer(), folder: BASE };
  const rows = await Dataset.read([entry], from, { maxTokens: T });
  return { stream: streamOf(rows, T), rows };
}

async function quickstartExamples(): Promise<Example[]> {
  return (await loadExamples(ROWS, baseTokenizer(), { maxTokens: Infinity })).examples;
}

const streamOf = (examples: Examples, T: number) =>
  new Stream(examples, { T, seed: SEED, shuffle: true });

function baseTokenizer(): RowTokenizer {
  const { encode, bos, eos } = loadTokenizer(BASE);
  return { encode, bos, eos };
}

/** Under the default template, as instructions are trained on. */
async function encoding() {
  const documents = await Array.fromAsync(readDocuments(ROWS));
  const tokenizer = baseTokenizer();
  const all = () => documents.map((document) => encode(document, tokenizer));
  const tokens = all().reduce((sum, { ids }) => sum + ids.length, 0);
  return { name: "data, quickstart rows to tokens", tokens, replay: () => void all() };
}

/** A whole epoch: shuffled, packed, laid out. */
async function packing() {
  const examples = await quickstartExamples();
  const tokens = examples.reduce((sum, { ids }) => sum + ids.length, 0);
  return {
    name: "data, quickstart tokens to packed rows",
    tokens,
    async replay() {
      const stream = streamOf(examples, 512);
      for (let i = await stream.micros(1) - 1; i >= 0; i--) await stream.micro(i);
    },
  };
}
