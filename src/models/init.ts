/**
 * A model with random weights, to be trained from nothing.
 *
 * @module
 */
import { join } from "node:path";
import { Graph } from "../graph/graph.ts";
import { writeCheckpoint } from "../io/checkpoint.ts";
import { readJsonObject } from "../io/files.ts";
import type { TensorData } from "../io/safetensors.ts";
import { fromFloat32 } from "../io/safetensors.ts";
import { random } from "../random.ts";
import { ConfigReader } from "./config.ts";
import { familyOf } from "./mod.ts";
import { Net } from "./net.ts";

/** Standard deviation of fresh matrices, as Hugging Face's `initializer_range`. */
const DEVIATION = 0.02;

/**
 * Writes a checkpoint of f32 weights for the architecture and tokenizer in `folder`: matrices
 * normal by (seed, tensor, index), vectors (norms) one.
 *
 * @throws {FileError} where the config is not understood or `out` holds something.
 */
export function writeFreshModel(folder: string, out: string, seed: number): void {
  const config = readJsonObject(join(folder, "config.json"));
  const tensors = [...tensorShapes(folder, config)].map(([name, shape], index): TensorData => {
    const length = shape.reduce((n, size) => n * size, 1);
    const numbers = shape.length === 1
      ? new Float32Array(length).fill(1)
      : Float32Array.from({ length }, (_, i) => DEVIATION * normal(seed, index, i));
    return { name, shape, dtype: "F32", data: fromFloat32(numbers, "F32") };
  });
  writeCheckpoint(out, { config, tensors, copyFrom: folder });
}

/** What tensors the family's forward asks for. */
function tensorShapes(folder: string, config: Record<string, unknown>) {
  const file = join(folder, "config.json");
  const family = familyOf(config["model_type"], file);
  const parsed = family.parse(new ConfigReader(file, config));
  const shapes = new Map<string, readonly number[]>();
  const graph = new Graph();
  const input = (name: string) => graph.input(name, [8]);
  const net = new Net(graph, {
    rows: {
      kind: "packed",
      token: input("token"),
      position: input("position"),
      start: input("start"),
      end: input("end"),
    },
    positions: 8,
    typeOf: (name, shape) => {
      shapes.set(name, shape);
      return "f32";
    },
  });
  family.forward(net, parsed);
  return shapes;
}

/** A normal number by Box and Muller's transform of two uniform ones. */
function normal(seed: number, tensor: number, index: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random(seed, tensor, index, 0)));
  return radius * Math.cos(2 * Math.PI * random(seed, tensor, index, 1));
}
