/** Damaged models, and what `train` must say of them. */
import { join } from "node:path";
import { writeJson } from "../../src/io/files.ts";
import { openSafetensors } from "../../src/io/safetensors/safetensors.ts";
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
function lie(
  toy: Toy,
  edit: (header: Header) => void,
  spell = (json: string) => json,
): void {
  const bytes = Deno.readFileSync(weights(toy));
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  edit(header);
  const json = new TextEncoder().encode(spell(JSON.stringify(header)));
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

/** Writes a number over the first of a tensor. */
function poison(toy: Toy, name: string, value: number): void {
  using file = openSafetensors(weights(toy));
  const { begin } = file.tensors.get(name)!;
  const bytes = Deno.readFileSync(weights(toy));
  new DataView(bytes.buffer).setFloat32(begin + 4, value, true);
  Deno.writeFileSync(weights(toy), bytes);
}

/** Puts a link in the place of a file of the model. */
function linkTo(toy: Toy, name: string, target: string): void {
  Deno.removeSync(join(toy.model, name));
  Deno.symlinkSync(target, join(toy.model, name));
}

/** Puts an index of one shard in the place of the weights. */
function index(toy: Toy, shard: string): void {
  Deno.removeSync(weights(toy));
  writeJson(join(toy.model, "model.safetensors.index.json"), { weight_map: { [NORM]: shard } });
}

/** Twenty megabytes of brackets. */
const DEEP = `{"model_type":${"[".repeat(1e7)}${"]".repeat(1e7)}}`;

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
  {
    name: "a matrix with a NaN",
    damage: (toy) => poison(toy, Q, NaN),
    code: 1,
    says: `Cannot use tensor "${Q}" in FOLDER/model/model.safetensors: its element 1 is NaN or ` +
      "infinite",
  },
  {
    name: "a norm with an infinity",
    damage: (toy) => poison(toy, NORM, -Infinity),
    code: 1,
    says: `Cannot use tensor "${NORM}" in FOLDER/model/model.safetensors: its element 1 is NaN ` +
      "or infinite",
  },
  {
    name: "an index of other folders",
    damage: (toy) => index(toy, "../../../etc/passwd"),
    code: 1,
    says: "Cannot read FOLDER/model/model.safetensors.index.json: shard " +
      '"../../../etc/passwd" is not a path inside the folder',
  },
  {
    name: "an index of an absolute path",
    damage: (toy) => index(toy, "/etc/passwd"),
    code: 1,
    says: /shard "\/etc\/passwd" is not a path inside the folder$/,
  },
  {
    name: "weights that link out of the folder",
    damage: (toy) => linkTo(toy, "model.safetensors", "/etc/passwd"),
    code: 1,
    says: "Cannot read FOLDER/model/model.safetensors: it links out of the folder to " +
      "/etc/passwd, wanted a file in the folder",
  },
  {
    name: "a tokenizer that links out of the folder",
    damage: (toy) => linkTo(toy, "tokenizer.json", "/etc/passwd"),
    code: 1,
    says: /tokenizer\.json: it links out of the folder to \/etc\/passwd, wanted a file in the/,
  },
  {
    name: "a header that names a tensor twice",
    damage: (toy) => lie(toy, () => {}, (json) => json.replace(`"${NORM}"`, `"${Q}"`)),
    code: 1,
    says: `Cannot read FOLDER/model/model.safetensors: the header names "${Q}" twice`,
  },
  {
    name: "a header of 100 MB",
    damage: (toy) => {
      const opening = new Uint8Array(8);
      new DataView(opening.buffer).setBigUint64(0, 100_000_000n, true);
      Deno.writeFileSync(weights(toy), opening);
      Deno.truncateSync(weights(toy), 100_000_008);
    },
    code: 1,
    says: "Cannot read FOLDER/model/model.safetensors: found a header of 100000000 bytes, wanted " +
      "at most 25000000 (is this a safetensors file?)",
  },
  {
    name: "a million million layers",
    damage: (toy) => reconfigure(toy, { num_hidden_layers: 1e12 }),
    code: 1,
    says: 'FOLDER/model/config.json: "num_hidden_layers" is 1000000000000, wanted a whole number ' +
      "from 1 to 4096",
  },
  {
    name: "heads of a billion",
    damage: (toy) => reconfigure(toy, { head_dim: 1e9 }),
    code: 1,
    says:
      'FOLDER/model/config.json: "head_dim" is 1000000000, wanted a whole number from 1 to 4096',
  },
  {
    name: "a vocabulary of a billion",
    damage: (toy) => reconfigure(toy, { vocab_size: 1e9 }),
    code: 1,
    says: /^Cannot use tensor "model\.embed_tokens\.weight" .+ wanted \[1000000000,32\]$/,
  },
  {
    name: "a config.json that nests ten million levels",
    damage: (toy) => Deno.writeTextFileSync(join(toy.model, "config.json"), DEEP),
    code: 1,
    says: "Cannot read FOLDER/model/config.json: found JSON that nests deeper than 100 levels",
  },
  {
    name: "a tokenizer.json that nests ten million levels",
    damage: (toy) => Deno.writeTextFileSync(join(toy.model, "tokenizer.json"), DEEP),
    code: 1,
    says: "Cannot read FOLDER/model/tokenizer.json: found JSON that nests deeper than 100 levels",
  },
  {
    name: "a tokenizer.json of another kind",
    damage: (toy) => writeJson(join(toy.model, "tokenizer.json"), { model: null }),
    code: 1,
    says: /^Cannot use FOLDER\/model\/tokenizer\.json: /,
  },
];
