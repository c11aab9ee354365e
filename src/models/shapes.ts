/**
 * What tensors a family's forward asks for: known from `config.json` alone.
 *
 * @module
 */
import { join } from "node:path";
import { FileError } from "../errors.ts";
import { Graph, type Value } from "../graph/graph.ts";
import { type Checkpoint, tensorIn } from "../io/checkpoint.ts";
import { INDEX_FILE, WEIGHTS_FILE } from "../io/checkpoint_writer.ts";
import { exists } from "../io/files.ts";
import { isGguf, requireJson } from "../io/model_files.ts";
import { type Dtype, DTYPE_BYTES, type TensorInfo } from "../io/safetensors/safetensors.ts";
import { ConfigReader } from "./config.ts";
import { openWeights } from "./gguf_checkpoint.ts";
import { familyOf } from "./mod.ts";
import { Net, type Norm } from "./layers/net.ts";
import { QUANTIZATION_KEYS } from "./packed/packed.ts";
import { refuseEncoder } from "./layers/source_rows.ts";

/** Notes what the weights of norms are when they change nothing. */
class NormNet extends Net {
  readonly norms = new Map<string, number>();

  override norm(x: Value, module: string, norm: Norm, width?: number): Value {
    this.norms.set(`${module}.weight`, 1 - (norm.unit ?? 0));
    return super.norm(x, module, norm, width);
  }
}

/**
 * The shapes of the tensors as files have them, and what those of norms are at first.
 *
 * @param purpose what a model with an encoder is refused for.
 * @throws {FileError} where the config is not understood.
 */
export function tensorsOf(folder: string, config: Record<string, unknown>, purpose: string) {
  const file = join(folder, "config.json");
  const family = familyOf(config["model_type"], file);
  refuseEncoder({ family, folder }, purpose);
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

/** What `dtype` of a config calls the types of tensors; where it has none, transformers takes f32. */
const DTYPES: Readonly<Record<string, Dtype>> = {
  float32: "F32",
  float16: "F16",
  bfloat16: "BF16",
};

/** Opens the checkpoint in `place`, or where a folder has no weights, its shapes alone. */
export function openShapes(place: string): Checkpoint {
  const files = [WEIGHTS_FILE, INDEX_FILE].map((name) => join(place, name));
  return isGguf(place) || files.some(exists) ? openWeights(place) : new Shapes(place);
}

/** A checkpoint of which there is `config.json` and no weights: nothing of it can be read. */
class Shapes implements Checkpoint {
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly metadata = {};

  constructor(readonly folder: string) {
    const config = requireJson(folder, "config.json");
    this.config = config;
    const file = join(folder, "config.json");
    const smaller = QUANTIZATION_KEYS.find((key) => config[key]);
    if (smaller) {
      throw new FileError(
        `${file}: found ${smaller} and no weights, wanted one of the two`,
      );
    }
    const named = config["dtype"] ?? config["torch_dtype"] ?? "float32";
    const dtype = DTYPES[named as string];
    if (!dtype) {
      const wanted = Object.keys(DTYPES).join(", ");
      throw new FileError(`${file}: found dtype ${JSON.stringify(named)}, wanted one of ${wanted}`);
    }
    const { shapes } = tensorsOf(folder, config, "without its weights");
    const sizeOf = (shape: readonly number[]) => shape.reduce((n, size) => n * size, 1);
    this.tensors = new Map([...shapes].map(([name, shape]) => {
      const bytes = DTYPE_BYTES[dtype] * sizeOf(shape);
      return [name, { name, dtype, shape, file, begin: 0, bytes }];
    }));
  }

  get(name: string, shape?: readonly number[]): TensorInfo {
    return tensorIn(this, name, shape);
  }

  read(name: string): never {
    throw new FileError(`Cannot read tensor "${name}": ${this.folder} has no weights`);
  }

  grouped(): undefined {
    return undefined;
  }

  files(): string[] {
    return [];
  }

  close(): void {}

  [Symbol.dispose](): void {}
}
