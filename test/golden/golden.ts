/** The golden values that make_golden.py leaves, as folders and logits. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { HUB_WEIGHTS } from "../../src/adapters/peft/adapter_hub.ts";
import { isOfAdapterHub } from "../../src/adapters/peft/adapter_hub_config.ts";
import { batch, encode, type Example } from "../../src/data/mod.ts";
import { readFloats } from "../../src/gpu/buffer.ts";
import type { Engine } from "../../src/graph/compile.ts";
import { Graph } from "../../src/graph/graph.ts";
import { writeCheckpoint } from "../../src/io/checkpoint.ts";
import {
  fromFloat32,
  openSafetensors,
  type TensorData,
  toFloat32,
  writeSafetensors,
} from "../../src/io/safetensors/safetensors.ts";
import type { Model } from "../../src/models/model.ts";
import type { Adapt } from "../../src/models/layers/adapt.ts";
import { type Family, Net, type RowInputs } from "../../src/models/layers/net.ts";
import { sourceData, sourceInputs } from "../../src/models/layers/source_rows.ts";
import { rowNorms } from "../../src/models/norms.ts";
import { logits } from "../../src/ops/mod.ts";
import { tokenizer } from "../models/tiny.ts";

/** Rows that hold both documents, and some that pad them. */
export const T = 40;

type Json = Record<string, unknown>;

interface Recorded {
  readonly config: Json;
  readonly adapter: Json;
  readonly ids: readonly (readonly number[])[];
  readonly labels: readonly (readonly number[])[];
  readonly loss: number;
  /** Of every tensor: the norm of its gradient, and its product with cos(0), cos(1), ... */
  readonly gradients: Readonly<Record<string, readonly [norm: number, product: number]>>;
  readonly losses: readonly number[];
  /** Of every merged weight: the same two numbers as of a gradient. */
  /** Whether A stays as it is. */
  readonly freeze_a?: boolean;
  readonly merged?: Readonly<Record<string, readonly [norm: number, product: number]>>;
  /** What follows the second document, where an encoder reads it. */
  readonly greedy?: readonly number[];
  readonly adamw: {
    readonly lr: number;
    readonly eps: number;
    readonly weight_decay: number;
    readonly betas: readonly [number, number];
  };
}

/** One tiny checkpoint, and what the real libraries make of it. */
export interface Golden extends Recorded {
  readonly examples: readonly Example[];
  /** Tensors by `weight/`, `logits/`, `lora/`, `lora_logits/` or `gradient/` and their name. */
  readonly tensors: ReadonlyMap<string, { shape: readonly number[]; numbers: Float32Array }>;
}

const pathOf = (name: string, ending: string) =>
  fileURLToPath(new URL(`${name}.${ending}`, import.meta.url));

/** The tensors of a file of golden values. */
export function tensorsIn(
  name: string,
): [string, { shape: readonly number[]; numbers: Float32Array }][] {
  using file = openSafetensors(pathOf(name, "safetensors"));
  return [...file.tensors].map((
    [tensor, { shape, dtype }],
  ) => [tensor, { shape, numbers: toFloat32(file.read(tensor), dtype) }]);
}

/** An adapter of make_adapters.py on its base, in place of the base's own. */
export function readAdapterGolden(name: string): Golden {
  const { base, ...recorded }: Pick<Recorded, "adapter" | "losses" | "merged" | "freeze_a"> & {
    base: string;
  } = JSON.parse(
    Deno.readTextFileSync(pathOf(`peft/${name}`, "json")),
  );
  const golden = readGolden(base);
  const own = [...golden.tensors].filter(([tensor]) => /^(weight|logits)\//.test(tensor));
  return { ...golden, ...recorded, tensors: new Map([...own, ...tensorsIn(`peft/${name}`)]) };
}

export function readGolden(name: string): Golden {
  const recorded: Recorded = JSON.parse(Deno.readTextFileSync(pathOf(name, "json")));
  const tensors = tensorsIn(name);
  const { is_encoder_decoder, decoder_start_token_id: start, pad_token_id: pad } = recorded.config;
  const target = is_encoder_decoder ? { start: Number(start), pad: Number(pad) } : undefined;
  const encoder = { encode: () => [], bos: null, eos: null, target };
  const examples = recorded.ids.map((ids, i) =>
    encode({ kind: "tokens", ids, labels: recorded.labels[i]!, origin: `document ${i}` }, encoder)
  );
  return { ...recorded, examples, tensors: new Map(tensors) };
}

/** Tensors whose names begin with `prefix`, without it, ready to be written. */
function tensorsOf({ tensors }: Golden, prefix: string): TensorData[] {
  return [...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, tensor]) => ({
    name: name.slice(prefix.length),
    dtype: "F32",
    shape: tensor.shape,
    data: fromFloat32(tensor.numbers, "F32"),
  }));
}

/** Writes the checkpoint, with fields of its config changed, and the adapter into it. */
export function writeGolden(folder: string, golden: Golden, changed: Json = {}): void {
  const config = { ...golden.config, ...changed };
  writeCheckpoint(folder, { config, tensors: tensorsOf(golden, "weight/") });
  Deno.writeTextFileSync(join(folder, "tokenizer.json"), JSON.stringify(tokenizer()));
  const adapter = join(folder, "adapter");
  Deno.mkdirSync(adapter);
  Deno.writeTextFileSync(join(adapter, "adapter_config.json"), JSON.stringify(golden.adapter));
  const weights = isOfAdapterHub(golden.adapter) ? HUB_WEIGHTS : "adapter_model.safetensors";
  writeSafetensors(join(adapter, weights), tensorsOf(golden, "lora/"));
}

/** What may be changed of a model before it computes. */
export interface Mutation {
  readonly adapt?: Adapt;
  readonly Layers?: typeof Net;
  readonly family?: Family;
}

/** The logits of every position of documents that lie packed in one row, [length * vocabulary]. */
export async function packedLogits(
  engine: Engine,
  model: Model,
  examples: readonly Example[],
  { adapt, Layers = Net, family = model.family }: Mutation = {},
): Promise<Float32Array[]> {
  const graph = new Graph(engine.device.kernelSet);
  const input = (name: string) => graph.input(name, [T]);
  const [token, position, start, end] = ["token", "position", "start", "end"].map(input);
  const tables = new Map<string, () => Float32Array | Uint32Array>();
  const typeOf = (
    name: string,
    shape: readonly number[],
  ) => (model.tensors.get(name, shape), "f32" as const);
  const norms = (name: string) => rowNorms(model.tensors, name);
  const over = (rows: RowInputs) => {
    const net = new Layers(graph, { rows, positions: T, typeOf, adapt, rowNorms: norms });
    return Object.assign(net, { tables });
  };
  const pair = family.encode && sourceInputs(graph, T);
  const memory = pair && family.encode!(over(pair.rows), model.config);
  const rows = { token: token!, position: position!, start: start!, end: end!, source: pair?.seen };
  const { hidden, head, cap, adapter } = family.forward(
    over({ kind: "packed", ...rows }),
    model.config,
    memory,
  );
  graph.output("logits", logits(graph, hidden, head, input("rows"), { cap, adapter }));
  const compiled = await model.plan(engine, { graph, tables }).open();
  const packed = batch(examples, T);
  const { tokens, positions } = packed;
  const inputs = { token: tokens, position: positions, start: packed.start, end: packed.end };
  for (const [name, data] of Object.entries(inputs)) compiled.write(name, data);
  for (const [name, data] of packed.source ? sourceData(packed.source) : []) {
    compiled.write(name, data);
  }
  compiled.write("rows", Uint32Array.from({ length: T }, (_, i) => i));
  compiled.program.replay();
  const found = await readFloats(engine.device, compiled.output("logits"));
  compiled.destroy();
  const width = found.length / T;
  return packed.documents.map(({ begin, length }) =>
    // Nothing is known of what follows a target.
    found.slice(begin * width, (begin + (pair ? length - 1 : length)) * width)
  );
}

/** The largest distance of the logits from the recorded ones, over all documents. */
export function logitsError(
  found: readonly Float32Array[],
  golden: Golden,
  which: "logits" | "lora_logits" = "logits",
): number {
  const errors = found.map((numbers, i) => {
    const expected = golden.tensors.get(`${which}/${i}`)!.numbers;
    if (numbers.length !== expected.length) throw new RangeError("Found another number of logits");
    return numbers.reduce((most, x, at) => Math.max(most, Math.abs(x - expected[at]!)), 0);
  });
  return Math.max(...errors.map((error) => Number.isNaN(error) ? Infinity : error));
}
