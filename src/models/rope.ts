/**
 * Angles of the rotary position embedding.
 *
 * @module
 */
import type { ConfigReader } from "./config.ts";

/** How fast each pair of a head turns, in radians a position: [headDim / 2]. */
export type Frequencies = Float64Array;

/**
 * Reads theta and scaling in either spelling: `rope_theta` with `rope_scaling` (transformers 4) or
 * `rope_parameters` (transformers 5).
 *
 * @throws {FileError} for a kind of scaling that is not built.
 */
export function readFrequencies(
  config: ConfigReader,
  headDim: number,
  defaultTheta = 10_000,
): Frequencies {
  const scaling = config.section("rope_parameters") ?? config.section("rope_scaling");
  for (const reader of [config, scaling]) reader?.only("partial_rotary_factor", [null, 1]);
  const theta = scaling?.fields["rope_theta"] === undefined
    ? config.number("rope_theta", defaultTheta)
    : scaling.number("rope_theta");
  const plain = Float64Array.from({ length: headDim / 2 }, (_, i) => theta ** (-2 * i / headDim));
  const kind = scaling?.fields["rope_type"] ?? scaling?.fields["type"] ?? "default";
  if (kind === "default") return plain;
  if (kind === "linear") return plain.map((f) => f / scaling!.number("factor"));
  if (kind === "llama3") return llama3(plain, scaling!);
  return scaling!.refuse("rope_type", kind, `"default", "linear" or "llama3"`);
}

/**
 * Llama 3.1's scaling: long waves are slowed by `factor`, short ones stay, those between blend.
 * Source: transformers, `modeling_rope_utils.py`, `_compute_llama3_parameters`.
 */
function llama3(frequencies: Frequencies, scaling: ConfigReader): Frequencies {
  const factor = scaling.number("factor");
  const low = scaling.number("low_freq_factor");
  const high = scaling.number("high_freq_factor");
  const context = scaling.count("original_max_position_embeddings");
  return frequencies.map((f) => {
    const waves = context * f / (2 * Math.PI); // turns within the original context
    if (waves > high) return f;
    if (waves < low) return f / factor;
    const blend = (waves - low) / (high - low);
    return (1 - blend) * f / factor + blend * f;
  });
}

/** The table that the rope kernel reads: [positions, headDim], cosines then sines of each row. */
export function angleTable(frequencies: Frequencies, positions: number): Float32Array {
  const half = frequencies.length;
  const table = new Float32Array(positions * 2 * half);
  for (let position = 0; position < positions; position++) {
    const row = position * 2 * half;
    for (let i = 0; i < half; i++) {
      table[row + i] = Math.cos(position * frequencies[i]!);
      table[row + half + i] = Math.sin(position * frequencies[i]!);
    }
  }
  return table;
}
