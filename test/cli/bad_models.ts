/** Damaged models, and what `train` must say of them. */
import { join } from "node:path";
import { writeJson } from "../../src/io/files.ts";
import type { Toy, ToySettings } from "../train/toy.ts";

export interface BadInput {
  name: string;
  /** What the config sets beside the toy's own settings. */
  settings?: ToySettings;
  flags?: string[];
  /** Damages the toy's files; what it returns is set beside `settings`. */
  damage?: (toy: Toy) => ToySettings | void;
  code: 1 | 2;
  /** The sentence, after `error: `; FOLDER stands for the toy's folder. */
  says: string | RegExp;
}

type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>;

/** The weights of the toy's model. */
export const weights = (toy: Toy) => join(toy.model, "model.safetensors");

/** Rewrites the header of the model's weights; the data stay. */
function lie(toy: Toy, edit: (header: Header) => void): void {
  const bytes = Deno.readFileSync(weights(toy));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  edit(header);
  const json = new TextEncoder().encode(JSON.stringify(header));
  const opening = new Uint8Array(8);
  new DataView(opening.buffer).setBigUint64(0, BigInt(json.length), true);
  Deno.writeFileSync(weights(toy), opening);
  for (const part of [json, bytes.subarray(8 + length)]) {
    Deno.writeFileSync(weights(toy), part, { append: true });
  }
}

/** Changes fields of the model's config.json. */
export function reconfigure(toy: Toy, fields: Record<string, unknown>): void {
  const path = join(toy.model, "config.json");
  writeJson(path, { ...JSON.parse(Deno.readTextFileSync(path)), ...fields });
}

const Q = "model.layers.0.self_attn.q_proj.weight";
const NORM = "model.norm.weight";

export const MODEL: BadInput[] = [
  {
    name: "a model folder that is not there",
    settings: { model: "nowhere" },
    code: 1,
    says: /^Cannot read .*nowhere\/config\.json: no such file or directory$/,
  },
  {
    name: "a model without weights",
    damage: (toy) => Deno.removeSync(weights(toy)),
    code: 1,
    says:
      "Cannot read FOLDER/model: no model.safetensors and no model.safetensors.index.json in it",
  },
  {
    name: "a model without a tokenizer",
    damage: (toy) => Deno.removeSync(join(toy.model, "tokenizer.json")),
    code: 1,
    says: /^Cannot read FOLDER\/model\/tokenizer\.json: no such file/,
  },
  {
    name: "an unknown model_type",
    damage: (toy) => reconfigure(toy, { model_type: "lama" }),
    code: 1,
    says: /FOLDER\/model\/config\.json.*"lama".*llama/,
  },
  {
    name: "a config.json without a size",
    damage: (toy) => reconfigure(toy, { hidden_size: undefined }),
    code: 1,
    says: /FOLDER\/model\/config\.json: "hidden_size" is undefined, wanted a number/,
  },
  {
    name: "truncated weights",
    damage: (toy) => Deno.truncateSync(weights(toy), 5000),
    code: 1,
    says: /^Cannot read FOLDER\/model\/model\.safetensors: .*5000/,
  },
  {
    name: "weights of no bytes",
    damage: (toy) => Deno.truncateSync(weights(toy), 0),
    code: 1,
    says: /^Cannot read FOLDER\/model\/model\.safetensors: found 0 bytes, wanted at least 8/,
  },
  {
    name: "a header of 2^60 bytes",
    damage: (toy) => {
      const bytes = Deno.readFileSync(weights(toy));
      new DataView(bytes.buffer).setBigUint64(0, 1n << 60n, true);
      Deno.writeFileSync(weights(toy), bytes);
    },
    code: 1,
    says: /^Cannot read FOLDER\/model\/model\.safetensors: found a header of 1152921504606846976 /,
  },
  {
    name: "a tensor beyond the end of the file",
    damage: (toy) =>
      lie(toy, (header) => {
        const [begin, end] = header[NORM]!.data_offsets;
        header[NORM]!.data_offsets = [begin + 4e6, end + 4e6];
      }),
    code: 1,
    says: /^Cannot read FOLDER\/model\/model\.safetensors: /,
  },
  {
    name: "tensors that overlap",
    damage: (toy) =>
      lie(toy, (header) => {
        header[NORM]!.data_offsets = header["model.layers.0.input_layernorm.weight"]!.data_offsets;
      }),
    code: 1,
    says: /^Cannot read FOLDER\/model\/model\.safetensors: .*(overlap|norm)/,
  },
  {
    name: "a dtype of another size",
    damage: (toy) => lie(toy, (header) => header[NORM]!.dtype = "F16"),
    code: 1,
    says: `Cannot read FOLDER/model/model.safetensors: tensor "${NORM}" has 128 bytes, wanted 64 ` +
      "for F16 [32]",
  },
  {
    name: "a tensor that is missing",
    damage: (toy) =>
      lie(toy, (header) => {
        header["model.other.weight"] = header[Q]!;
        delete header[Q];
      }),
    code: 1,
    says: new RegExp(`^Cannot find tensor "${Q}" in FOLDER/model, did you mean "`),
  },
  {
    name: "a tensor of another shape",
    damage: (toy) => lie(toy, (header) => header[NORM]!.shape = [16, 2]),
    code: 1,
    says: `Cannot use tensor "${NORM}" in FOLDER/model/model.safetensors: found shape [16,2], ` +
      "wanted [32]",
  },
];
