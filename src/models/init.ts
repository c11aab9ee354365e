/**
 * A model with random weights, to be trained from nothing.
 *
 * @module
 */
import { writeCheckpoint } from "../io/checkpoint.ts";
import { configText } from "../io/config_text.ts";
import { requireJson } from "../io/model_files.ts";
import type { TensorData } from "../io/safetensors/safetensors.ts";
import { fromFloat32 } from "../io/safetensors/safetensors.ts";
import { normal } from "../random.ts";
import { tensorsOf } from "./shapes.ts";

/** Standard deviation of fresh matrices, as Hugging Face's `initializer_range`. */
const DEVIATION = 0.02;

/**
 * Writes a checkpoint of f32 weights for the architecture and tokenizer in `folder`: matrices
 * normal by (seed, tensor, index), biases zero, norms one or what their family stores for it.
 *
 * @throws {FileError} where the config is not understood or `out` holds something.
 */
export function writeFreshModel(folder: string, out: string, seed: number): void {
  const config = requireJson(folder, "config.json");
  const { shapes, norms } = tensorsOf(folder, config, "to train every parameter");
  const tensors = [...shapes].map(([name, shape], index): TensorData => {
    const length = shape.reduce((n, size) => n * size, 1);
    const numbers = shape.length === 1
      ? new Float32Array(length).fill(norms.get(name) ?? 0)
      : Float32Array.from({ length }, (_, i) => DEVIATION * normal(seed, index, i));
    return { name, shape, dtype: "F32", data: fromFloat32(numbers, "F32") };
  });
  writeCheckpoint(out, { config: configText(folder), tensors, copyFrom: folder });
}
