/**
 * A model with random weights, to be trained from nothing.
 *
 * @module
 */
import { join } from "node:path";
import { Graph, type Value } from "../graph/graph.ts";
import { writeCheckpoint } from "../io/checkpoint.ts";
import { configText } from "../io/config_text.ts";
import { requireJson } from "../io/model_files.ts";
import type { TensorData } from "../io/safetensors/safetensors.ts";
import { fromFloat32 } from "../io/safetensors/safetensors.ts";
import { normal } from "../random.ts";
import { ConfigReader } from "./config.ts";
import { familyOf } from "./mod.ts";
import { Net, type Norm } from "./layers/net.ts";
import { refuseEncoder } from "./layers/source_rows.ts";

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
  const { shapes, norms } = tensorsOf(folder, config);
  const tensors = [...shapes].map(([name, shape], index): TensorData => {
    const length = shape.reduce((n, size) => n * size, 1);
    const numbers = shape.length === 1
      ? new Float32Array(length).fill(norms.get(name) ?? 0)
      : Float32Array.from({ length }, (_, i) => DEVIATION * normal(seed, index, i));
    return { name, shape, dtype: "F32", data: fromFloat32(numbers, "F32") };
  });
  writeCheckpoint(out, { config: configText(folder), tensors, copyFrom: folder });
}

/** Notes what the weights of norms are when they change nothing. */
class NormNet extends Net {
  readonly norms = new Map<string, number>();

  override norm(x: Value, module: string, norm: Norm, width?: number): Value {
    this.norms.set(`${module}.weight`, 1 - (norm.unit ?? 0));
    return super.norm(x, module, norm, width);
  }
}

/** What tensors the family's forward asks for, and which are norms. */
function tensorsOf(folder: string, config: Record<string, unknown>) {
  const file = join(folder, "config.json");
  const family = familyOf(config["model_type"], file);
  refuseEncoder({ family, folder }, "to train every parameter");
  const parsed = family.parse(new ConfigReader(file, config));
  const shapes = new Map<string, readonly number[]>();
  const graph = new Graph();
  const input = (name: string) => graph.input(name, [8]);
  const net = new NormNet(graph, {
    rows: {
      kind: "packed",
      token: input("token"),
      position: input("position"),
      start: input("start"),
      end: input("end"),
    },
    positions: 8,
    typeOf: (name, shape) => {
      shapes.set(name, family.stored?.transposed?.test(name) ? shape.toReversed() : shape);
      return "f32";
    },
  });
  family.forward(net, parsed);
  return { shapes, norms: net.norms };
}
