/**
 * Angles of the rotary position embedding.
 *
 * @module
 */
import { ConfigReader } from "../config.ts";

/** How the pairs of a head turn. */
export interface Frequencies {
  /** Radians a position of each pair: [rotated / 2]. */
  readonly pairs: Float64Array;
  /** Of cosines and sines, for the scores once with q and once with k; 1 for most. */
  readonly factor: number;
  /** Radians a position in texts of more than `than` tokens, where LongRoPE tells them apart. */
  readonly long?: { readonly than: number; readonly pairs: Float64Array };
}

/** What a family takes where config.json says nothing. */
export interface RopeDefaults {
  /** 10,000 by default. */
  readonly theta?: number;
  /** The part of a head that turns; where absent all of it does, and no other part is built. */
  readonly part?: number;
  /** Tokens that the model was first trained on; the context by default. */
  readonly original?: number;
}

/** What the kinds of scaling read. */
interface Scaling {
  readonly plain: Float64Array;
  readonly theta: number;
  readonly fields: ConfigReader;
  /** Tokens that the model was first trained on. */
  readonly original: () => number;
  /** How many times longer texts became. */
  readonly stretch: () => number;
}

/**
 * Reads theta and scaling in either spelling: `rope_theta` with `rope_scaling` (transformers 4) or
 * `rope_parameters` (transformers 5).
 *
 * @throws {FileError} for a kind of scaling that is not built.
 */
export function readFrequencies(
  config: ConfigReader,
  headDim: number,
  defaults: RopeDefaults = {},
): Frequencies {
  const fields = config.section("rope_parameters") ?? config.section("rope_scaling") ??
    new ConfigReader(config.file, {});
  const holder = (key: string) => fields.fields[key] === undefined ? config : fields;
  const theta = holder("rope_theta").positive("rope_theta", defaults.theta ?? 10_000);
  const rotated = readRotated(holder("partial_rotary_factor"), headDim, defaults.part);
  const plain = Float64Array.from({ length: rotated / 2 }, (_, i) => theta ** (-2 * i / rotated));
  const original = () => {
    const key = "original_max_position_embeddings";
    const reader = config.fields[key] === undefined ? fields : config; // Phi-3 has it outside
    return reader.count(key, defaults.original ?? config.count("max_position_embeddings"));
  };
  const stretch = () =>
    fields.positive("factor", config.fields["max_position_embeddings"] as number / original());
  const name = String(fields.fields["rope_type"] ?? fields.fields["type"] ?? "default");
  const kind = KINDS[name];
  if (!kind) fields.refuse("rope_type", name, `one of ${Object.keys(KINDS).join(", ")}`);
  return kind!({ plain, theta, fields, original, stretch });
}

/** Numbers of a head that turn. */
function readRotated(config: ConfigReader, headDim: number, part: number | undefined): number {
  const key = "partial_rotary_factor";
  if (part === undefined) {
    config.only(key, [null, 1]);
    return headDim;
  }
  const found = config.number(key, part);
  const rotated = Math.trunc(headDim * found);
  if (rotated % 2 !== 0 || !(rotated > 0 && rotated <= headDim)) {
    config.refuse(key, found, `a part of ${headDim} that is an even number`);
  }
  return rotated;
}

const KINDS: Readonly<Record<string, (scaling: Scaling) => Frequencies>> = {
  default: ({ plain }) => ({ pairs: plain, factor: 1 }),
  linear: ({ plain, fields }) => {
    const factor = fields.positive("factor");
    return { pairs: plain.map((f) => f / factor), factor: 1 };
  },
  /** Changes texts beyond max_position_embeddings only, and none here is longer. */
  dynamic: ({ plain, fields }) => {
    fields.positive("factor");
    return { pairs: plain, factor: 1 };
  },
  llama3,
  /** Some of the first Phi-3 have LongRoPE's lists under this name. */
  yarn: (scaling) => "short_factor" in scaling.fields.fields ? longrope(scaling) : yarn(scaling),
  longrope,
  su: longrope, // what the first Phi-3 called it
};

/**
 * Llama 3.1's scaling: long waves are slowed by `factor`, short ones stay, those between blend.
 * Source: transformers, `modeling_rope_utils.py`, `_compute_llama3_parameters`.
 */
function llama3({ plain, fields, original }: Scaling): Frequencies {
  const factor = fields.positive("factor");
  const low = fields.positive("low_freq_factor");
  const high = fields.positive("high_freq_factor");
  const pairs = plain.map((f) => {
    const waves = original() * f / (2 * Math.PI); // turns within the original context
    if (waves > high) return f;
    if (waves < low) return f / factor;
    const blend = (waves - low) / (high - low);
    return (1 - blend) * f / factor + blend * f;
  });
  return { pairs, factor: 1 };
}

/**
 * YaRN (Peng et al., 2023, arXiv 2309.00071): slow pairs are stretched, fast ones stay, those
 * between blend, and scores grow. Source: transformers, as above, `_compute_yarn_parameters`.
 */
function yarn({ plain, theta, fields, original, stretch }: Scaling): Frequencies {
  const factor = stretch();
  const dim = 2 * plain.length;
  /** The pair, counted in fractions, that turns so often within the original context. */
  const pairOf = (turns: number) =>
    dim * Math.log(original() / (turns * 2 * Math.PI)) / (2 * Math.log(theta));
  const bounds = [
    pairOf(fields.positive("beta_fast", 32)),
    pairOf(fields.positive("beta_slow", 1)),
  ] as const;
  const whole = fields.flag("truncate", true);
  const first = Math.max(whole ? Math.floor(bounds[0]) : bounds[0], 0);
  const last = Math.min(whole ? Math.ceil(bounds[1]) : bounds[1], dim - 1);
  const span = first === last ? 0.001 : last - first;
  const pairs = plain.map((f, i) => {
    const ramp = Math.min(Math.max((i - first) / span, 0), 1);
    return f / factor * ramp + f * (1 - ramp);
  });
  return { pairs, factor: fields.positiveOrNull("attention_factor") ?? yarnFactor(fields, factor) };
}

function yarnFactor(fields: ConfigReader, stretch: number): number {
  const grown = (by: number) => stretch <= 1 ? 1 : 0.1 * by * Math.log(stretch) + 1;
  const scale = fields.number("mscale", 0);
  const all = fields.number("mscale_all_dim", 0);
  return scale && all ? grown(scale) / grown(all) : grown(1);
}

/**
 * LongRoPE (Ding et al., 2024, arXiv 2402.13753): each pair has a stretch of its own, another one
 * in texts longer than the original context. Source: transformers, `_compute_longrope_parameters`.
 */
function longrope({ plain, fields, original, stretch }: Scaling): Frequencies {
  const stretched = (key: string) => {
    const factors = fields.list(key, plain.length) ?? fields.refuse(key, null, "a list");
    return plain.map((f, i) => {
      const by = factors[i];
      return typeof by === "number" && by > 0 ? f / by : fields.refuse(key, by, "numbers above 0");
    });
  };
  const than = original();
  const factor = fields.positiveOrNull("attention_factor") ??
    Math.sqrt(1 + Math.log(Math.max(stretch(), 1)) / Math.log(than));
  return {
    pairs: stretched("short_factor"),
    factor,
    long: { than, pairs: stretched("long_factor") },
  };
}

/** The table that the rope kernel reads: [positions, rotated], cosines then sines of each row. */
export function angleTable(
  { pairs, factor }: Pick<Frequencies, "pairs" | "factor">,
  positions: number,
): Float32Array {
  const half = pairs.length;
  const table = new Float32Array(positions * 2 * half);
  for (let position = 0; position < positions; position++) {
    const row = position * 2 * half;
    for (let i = 0; i < half; i++) {
      table[row + i] = factor * Math.cos(position * pairs[i]!);
      table[row + half + i] = factor * Math.sin(position * pairs[i]!);
    }
  }
  return table;
}

/** Input of cached rows whose text may become long: their rows of the angles, [T]. */
export const ANGLE_ROW = "angle_row";

/** Texts of more than `than` tokens turn by the angles from row `offset` on. */
export interface LongAngles {
  readonly than: number;
  readonly offset: number;
}
