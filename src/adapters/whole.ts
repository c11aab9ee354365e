/**
 * Tensors of the base that are trained whole beside the low-rank factors: those of PEFT's
 * `modules_to_save`, and biases.
 *
 * @module
 */
import { ConfigError, FileError } from "../errors.ts";
import type { Flat, Store } from "../graph/store.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import type { Tensors } from "../models/stored.ts";
import { keptParam, loadParam, loadStored, type Param, storedParam } from "../models/weights.ts";
import type { PeftAdapter, WholeTensor } from "./peft/adapter.ts";

/** How far a carried copy may be from the base's own tensor: its rounding to another type. */
const SAME = 2 ** -7;

/** Tensors that are trained whole, and their params in the store. */
export class Whole {
  /** Tensors by the name of their param, which the frozen tensor beside them must not have. */
  readonly #params: ReadonlyMap<string, Param>;

  /** @param shapes By names of the forward, and in its orientation. */
  constructor(
    private readonly tensors: Tensors,
    shapes: ReadonlyMap<string, readonly number[]>,
    private readonly source: readonly WholeTensor[] = [],
  ) {
    this.#params = new Map([...shapes].map(([name, shape]) => {
      const layout = shape.length > 1 ? "blocks" : "rows";
      return [paramOf(name), { name, shape, layout }];
    }));
  }

  /**
   * Those of an adapter that was read from a folder.
   *
   * @throws {ConfigError} where it lacks one that its config names, or has it in another shape.
   */
  static of(
    tensors: Tensors,
    shapes: ReadonlyMap<string, readonly number[]>,
    source: readonly WholeTensor[],
  ): Whole {
    for (const { name, shape } of source) {
      const found = shapes.get(name);
      const wanted = found && tensors.turn(name, found);
      if (String(shape) === String(wanted)) continue;
      const other = wanted ? `[${wanted}]` : "none";
      throw new ConfigError(`The adapter has ${name} of [${shape}], the model has ${other}`);
    }
    const missing = [...shapes.keys()].find((name) => !source.some((t) => t.name === name));
    if (missing === undefined) return new Whole(tensors, shapes, source);
    throw new ConfigError(`The adapter's config names ${missing}, but its file lacks it`);
  }

  get names(): string[] {
    return [...this.#params.values()].map(({ name }) => name);
  }

  /** Puts the trained tensors in place of the base's when a graph is built. */
  readonly adapt: Pick<Adapt, "tensor"> = {
    tensor: (graph, name) => {
      const param = this.#params.get(paramOf(name));
      return param && graph.param(paramOf(name), param.shape, param.layout);
    },
  };

  /** Fills the store: with what the adapter's folder has, or with the base's own. */
  load(store: Store): void {
    for (const [param, tensor] of this.#params) {
      const found = this.source.find(({ name }) => name === tensor.name);
      const kept = found
        ? keptParam(this.tensors, tensor, found.numbers)
        : loadParam(this.tensors, tensor);
      store.writeParam(param, kept);
    }
  }

  /** Reads the tensors back, or what else lies in their place, as the base stores them. */
  async read(store: Store, flat?: Flat): Promise<WholeTensor[]> {
    const found: WholeTensor[] = [];
    for (const [param, tensor] of this.#params) {
      const numbers = storedParam(this.tensors, tensor, await store.readParam(param, flat));
      const shape = this.tensors.turn(tensor.name, tensor.shape);
      found.push({ name: tensor.name, shape, numbers });
    }
    return found;
  }

  /** What the param is in the base, as the store keeps it; undefined for params of others. */
  base(param: string): Float32Array | undefined {
    const tensor = this.#params.get(param);
    return tensor && loadParam(this.tensors, tensor);
  }
}

function paramOf(name: string): string {
  return name.replace(/\.(\w+)$/, ".modules_to_save.$1");
}

/**
 * PEFT writes the base's embedding beside a low-rank update of it. Where that is another than the
 * base's here, base and update alone are not the adapter.
 *
 * @throws {FileError} where it is another.
 */
export function refuseOtherBase(tensors: Tensors, { carried = [] }: PeftAdapter): void {
  for (const { name, shape, numbers } of carried) {
    const own = tensors.get(name);
    if (String(own.shape) === String(shape)) {
      const base = loadStored(tensors, name);
      const apart = numbers.reduce((sum, x, i) => sum + (x - base[i]!) ** 2, 0);
      const size = base.reduce((sum, x) => sum + x ** 2, 0);
      if (apart <= SAME ** 2 * size) continue;
    }
    throw new FileError(
      `Cannot use the adapter on ${tensors.checkpoint.folder}: it carries a ${name} of [${shape}] ` +
        `as its base's, which is not the [${own.shape}] there`,
    );
  }
}
