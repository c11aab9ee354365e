/**
 * A model's settings as llama.cpp's metadata. What llama.cpp would compute otherwise is refused by
 * name; a window that it ignores is only noted, since short texts do not notice.
 *
 * @module
 */
import { join } from "node:path";
import type { Checkpoint } from "../../io/checkpoint.ts";
import { ConfigReader } from "../../models/config.ts";
import type { Decoder, Windows } from "../../models/layers/decoder.ts";
import { familyOf, isTied } from "../../models/mod.ts";
import type { Frequencies } from "../../models/layers/rope.ts";
import type { Architecture } from "../../io/gguf/architectures.ts";
import { bools, float32, type MetadataValue, string, uint32 } from "../../io/gguf/metadata.ts";

/** The settings of any family: common sizes, and those that only some have. */
export interface Settings extends Decoder {
  readonly frequencies: Frequencies | { readonly full: Frequencies; readonly sliding: Frequencies };
  readonly window?: number | undefined;
  readonly windows?: Windows;
  readonly rotates?: readonly boolean[];
  readonly scale?: number;
  readonly scoreCap?: number | undefined;
  readonly logitCap?: number | undefined;
}

/** What the metadata of a model say. */
export interface ModelMetadata {
  /** By key, each under the architecture's name. */
  readonly entries: ReadonlyMap<string, MetadataValue>;
  /** What each frequency is divided by, where they need factors of their own. */
  readonly ropeFactors: Float32Array | undefined;
  /** What llama.cpp does differently, in words. */
  readonly notes: readonly string[];
}

/** Reads a checkpoint's settings as its family does. */
export function readSettings(checkpoint: Checkpoint): Settings {
  const { folder, config } = checkpoint;
  const file = join(folder, "config.json");
  const parsed = familyOf(config["model_type"], file).parse(new ConfigReader(file, config));
  return { ...parsed, tied: parsed.tied && isTied(checkpoint) } as Settings;
}

/**
 * The metadata of a model.
 *
 * @throws {FileError} where llama.cpp's architecture computes something else.
 */
export function modelMetadata(
  { folder, config }: Checkpoint,
  settings: Settings,
  architecture: Architecture,
): ModelMetadata {
  const reader = new ConfigReader(join(folder, "config.json"), config);
  checkComputed(reader, settings, architecture);
  const { hidden, layers, inner, heads, groups, headDim, norm, context, vocabSize } = settings;
  const rope = ropeOf(reader, settings, architecture);
  const windows = windowsOf(settings, architecture);
  const plain: Record<string, MetadataValue> = {
    block_count: uint32(layers),
    context_length: uint32(context),
    embedding_length: uint32(hidden),
    feed_forward_length: uint32(inner),
    "attention.head_count": uint32(heads),
    "attention.head_count_kv": uint32(groups),
    "attention.key_length": uint32(headDim),
    "attention.value_length": uint32(headDim),
    "attention.layer_norm_rms_epsilon": float32(norm.eps),
    vocab_size: uint32(vocabSize),
    "rope.dimension_count": uint32(headDim),
    ...rope.entries,
    ...windows.entries,
    ...(architecture.name === "gemma2" && {
      attn_logit_softcapping: float32(settings.scoreCap!),
      final_logit_softcapping: float32(settings.logitCap!),
    }),
  };
  return {
    entries: new Map(Object.entries(plain).map(([k, v]) => [`${architecture.name}.${k}`, v])),
    ropeFactors: rope.factors,
    notes: windows.notes,
  };
}

/** Settings that llama.cpp fixes: it must fix them to what the model has. */
function checkComputed(reader: ConfigReader, c: Settings, architecture: Architecture): void {
  const wanted = (what: string) => `${what} for llama.cpp's ${architecture.name}`;
  if (architecture.headsFillHidden && c.heads * c.headDim !== c.hidden) {
    reader.refuse("head_dim", c.headDim, wanted(`hidden_size / heads (${c.hidden / c.heads})`));
  }
  if (!architecture.head && !c.tied) reader.refuse("tie_word_embeddings", false, wanted("true"));
  if (architecture.name === "gemma2") {
    for (const [key, cap] of [["attn", c.scoreCap], ["final", c.logitCap]] as const) {
      if (cap === undefined) reader.refuse(`${key}_logit_softcapping`, null, wanted("a number"));
    }
  }
  if (c.scale !== undefined) {
    const is27B = ({ gemma2: 46, gemma3: 62 } as Record<string, number>)[architecture.name];
    const width = c.layers === is27B ? c.hidden / c.heads : c.headDim;
    if (Math.abs(c.scale * Math.sqrt(width) - 1) > 1e-6) {
      reader.refuse("query_pre_attn_scalar", c.scale ** -2, wanted(`${width}`));
    }
  }
  const odd = c.rotates?.findIndex((rotates, i) => rotates !== ((i + 1) % 4 !== 0)) ?? -1;
  if (odd >= 0) {
    reader.refuse("no_rope_layers", reader.fields["no_rope_layers"], wanted("a 0 every 4 layers"));
  }
}

/**
 * Frequencies as llama.cpp has them, theta^(-2i / headDim) each divided by a factor: the same one
 * for all is a linear scaling, others (Llama 3.1's) are a tensor.
 */
function ropeOf(reader: ConfigReader, c: Settings, architecture: Architecture) {
  const both = "full" in c.frequencies ? c.frequencies : { full: c.frequencies };
  const full = pairsOf(reader, both.full, c.headDim);
  const sliding = "sliding" in both ? pairsOf(reader, both.sliding, c.headDim) : undefined;
  const { fields } = reader;
  const section = reader.section("rope_parameters") ?? reader.section("rope_scaling");
  const own = section?.section("full_attention") ?? section;
  const theta = [own?.fields["rope_theta"], fields["rope_theta"]]
    .find((value) => typeof value === "number") ?? thetaOf(full);
  const entries: Record<string, MetadataValue> = { "rope.freq_base": float32(theta) };
  if (sliding) {
    if (Math.abs(sliding[0]! - 1) > 1e-6) {
      reader.refuse("rope_parameters", section?.fields, "no scaling of sliding layers");
    }
    entries["rope.freq_base_swa"] = float32(thetaOf(sliding));
  }
  const factors = Array.from(full, (f, i) => theta ** (-2 * i / c.headDim) / f);
  const isOne = (factor: number, one: number) => Math.abs(factor / one - 1) < 1e-6;
  const first = factors[0]!;
  if (factors.every((factor) => isOne(factor, first))) {
    if (!isOne(first, 1)) {
      entries["rope.scaling.type"] = string("linear");
      entries["rope.scaling.factor"] = float32(first);
    }
    return { entries, factors: undefined };
  }
  if (!architecture.ropeFactors) {
    const wanted = `frequencies of one factor for llama.cpp's ${architecture.name}`;
    reader.refuse("rope_scaling", section?.fields ?? null, wanted);
  }
  return { entries, factors: Float32Array.from(factors) };
}

/** The frequencies of whole heads, where they are all that there is to the angles. */
function pairsOf(
  reader: ConfigReader,
  { pairs, factor, long }: Frequencies,
  headDim: number,
): Float64Array {
  if (factor === 1 && !long && 2 * pairs.length === headDim) return pairs;
  const { fields } = reader;
  const found = fields["rope_parameters"] ?? fields["rope_scaling"] ?? null;
  return reader.refuse("rope_parameters", found, "angles of whole heads without a factor");
}

/** Of unscaled frequencies. */
function thetaOf(pairs: Float64Array): number {
  return (pairs[0]! / pairs[1]!) ** pairs.length;
}

function windowsOf(c: Settings, { name, windowPeriod }: Architecture) {
  const windows = c.windows ?? Array.from({ length: c.layers }, () => c.window);
  const window = windows.find((size) => size !== undefined);
  const entries: Record<string, MetadataValue> = {};
  const notes: string[] = [];
  if (windowPeriod === undefined) {
    if (name === "phi3") entries["attention.sliding_window"] = uint32(window ?? 0);
    if (window !== undefined && window < c.context) {
      notes.push(
        `llama.cpp's ${name} knows no sliding window: beyond ${window} tokens it attends to more`,
      );
    }
    return { entries, notes };
  }
  const slides = windows.map((size) => size !== undefined);
  const isDefault = slides.every((slide, i) => slide === (i % windowPeriod < windowPeriod - 1));
  if (window !== undefined) entries["attention.sliding_window"] = uint32(window);
  if (!isDefault && (window !== undefined || name === "gemma2")) {
    entries["attention.sliding_window_pattern"] = bools(slides);
  }
  return { entries, notes };
}
