/**
 * Tokens whose rows of the embedding, and of the head, are trained in place of the base's: PEFT's
 * `trainable_token_indices`.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Flat, Store } from "../graph/store.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import { keptRowsOf } from "../models/kept_rows.ts";
import type { Modules } from "../models/model.ts";
import { HEAD_MODULE, type Tensors } from "../models/stored.ts";
import { pad } from "./methods/factors.ts";
import { towards } from "./methods/method.ts";
import type { TokenRows } from "./peft/adapter.ts";
import { names } from "./peft/targets.ts";
import { TOKEN_TENSOR, type TokenIds } from "./peft/tokens.ts";

/**
 * Ids of tokens or their texts, of the embedding and of a head that is tied to it; or a list for each module,
 * by the ends of their names.
 */
export type Tokens =
  | readonly (number | string)[]
  | Readonly<Record<string, readonly (number | string)[]>>;

/** What of a model its tokens are trained in. */
export interface TokenTables extends Pick<Modules, "linear" | "tables"> {
  readonly tensors: Tensors;
  readonly isTied: boolean;
}

/** No token. */
const NONE = 0xffffffff;

/** Rows that a module trains, and its place in the store. */
interface Trained {
  readonly module: string;
  readonly ids: readonly number[];
  readonly shape: readonly [rows: number, width: number];
}

/** The rows of tokens that are trained. */
export class TrainedTokens {
  readonly #trained: ReadonlyMap<string, Trained>;

  /**
   * @param asked By the ends of modules' names, or those of the embedding.
   * @throws {ConfigError} where there is no such module or token, or a token stands twice.
   */
  constructor(
    private readonly model: TokenTables,
    asked: TokenIds,
    private readonly source: readonly TokenRows[] = [],
  ) {
    const embedding = moduleOfTensor(model.tensors.embedding);
    const byName = Array.isArray(asked) ? { [embedding]: asked } : asked;
    const found = Object.entries(byName as Readonly<Record<string, readonly number[]>>)
      .filter(([, ids]) => ids.length > 0)
      .map(([name, ids]): [string, Trained] => {
        const module = moduleOf(name, embedding, model);
        const [rows, width] = model.tables.get(module) ?? model.linear.get(module)!;
        checkIds(module, ids, rows);
        return [module, { module, ids, shape: [pad(ids.length), width] }];
      });
    this.#trained = new Map(found);
    for (const { module, numbers } of source) {
      const { ids, shape: [, width] } = this.#trained.get(module)!;
      if (numbers.length === ids.length * width) continue;
      throw new ConfigError(
        `The adapter has ${ids.length} tokens of ${module} in ${numbers.length} numbers, the model ` +
          `has ${width} a token`,
      );
    }
  }

  /** The modules that have such rows. */
  get modules(): string[] {
    return [...this.#trained.keys()];
  }

  /** Puts the trained rows in place of the base's when a graph is built. */
  readonly adapt: Pick<Adapt, "rows"> = {
    rows: (graph, module) => {
      const trained = this.#trained.get(module);
      return trained && {
        ids: padded(trained),
        rows: graph.param(paramOf(trained), trained.shape, "rows", usedOf(trained)),
        base: () => this.#base(trained),
      };
    },
  };

  /** Fills the store: with what the adapter's folder has, or with the base's own rows. */
  load(store: Store): void {
    for (const trained of this.#trained.values()) {
      const kept = this.#base(trained);
      const found = this.source.find(({ module }) => module === trained.module);
      if (found) kept.set(found.numbers);
      store.writeParam(paramOf(trained), kept);
    }
  }

  /** Reads the rows back, or what else lies in their place. */
  async read(store: Store, flat?: Flat): Promise<TokenRows[]> {
    const found: TokenRows[] = [];
    for (const trained of this.#trained.values()) {
      const { module, ids, shape: [, width] } = trained;
      const numbers = await store.readParam(paramOf(trained), flat);
      found.push({ module, ids, numbers: numbers.slice(0, ids.length * width) });
    }
    return found;
  }

  /** What the param is in the base, as the store keeps it; undefined for params of others. */
  base(param: string): Float32Array | undefined {
    const trained = this.#trained.values().find((trained) => paramOf(trained) === param);
    return trained && this.#base(trained);
  }

  #base({ module, ids, shape: [rows, width] }: Trained): Float32Array {
    const { isTied, tensors } = this.model;
    const name = module === HEAD_MODULE && isTied ? tensors.embedding : `${module}.weight`;
    const kept = new Float32Array(rows * width);
    kept.set(keptRowsOf(tensors, name, ids));
    return kept;
  }
}

const moduleOfTensor = (name: string) => name.replace(/\.weight$/, "");

const paramOf = ({ module }: Trained): string => `${module}.${TOKEN_TENSOR}`;

const usedOf = ({ ids, shape: [, width] }: Trained) => [ids.length, width] as const;

/** With what is no token where rows only fill a block. */
const padded = ({ ids, shape: [rows] }: Trained): number[] =>
  Array.from({ length: rows }, (_, i) => ids[i] ?? NONE);

/** The embedding or the head that a name is an end of. */
function moduleOf(name: string, embedding: string, { linear, isTied }: TokenTables): string {
  const modules = linear.has(HEAD_MODULE) && !isTied ? [embedding, HEAD_MODULE] : [embedding];
  const found = modules.find((module) => names([name], module));
  if (found !== undefined) return found;
  const tied = isTied ? ", which the head is tied to and follows" : "";
  throw new ConfigError(
    `adapter.trainable_token_indices: found "${name}", wanted ${modules.join(" or ")}${tied}`,
  );
}

/** @throws {ConfigError} for an id that is no row of the table, or stands twice. */
function checkIds(module: string, ids: readonly number[], rows: number): void {
  const odd = ids.find((id, i) => !(id >= 0 && id < rows) || ids.indexOf(id) !== i);
  if (odd === undefined) return;
  throw new ConfigError(
    `adapter.trainable_token_indices: found token ${odd}` +
      (odd >= 0 && odd < rows ? " twice, wanted it once" : ` of ${module}, which has ${rows} rows`),
  );
}

/**
 * Tokens by their texts as ids; digits alone are an id, as a command line has them.
 *
 * @throws {ConfigError} for a text that is not one token.
 */
export function tokenIds(tokens: Tokens, encode: (text: string) => readonly number[]): TokenIds {
  const idOf = (token: number | string) => {
    if (typeof token === "number" || /^\d+$/.test(token)) return Number(token);
    const ids = encode(token);
    if (ids.length === 1) return ids[0]!;
    throw new ConfigError(
      `adapter.trainable_token_indices: found ${JSON.stringify(token)}, which is ${ids.length} ` +
        "tokens, wanted one",
    );
  };
  if (Array.isArray(tokens)) return tokens.map(idOf);
  return Object.fromEntries(Object.entries(tokens).map(([name, list]) => [name, list.map(idOf)]));
}

/** The rows part of the way from the base's, for a folder. */
export function tokensAt(rows: TokenRows, scaling: number, base: Tensors): TokenRows {
  const before = keptRowsOf(base, `${rows.module}.weight`, rows.ids);
  return { ...rows, numbers: rows.numbers.map((x, i) => towards(before[i]!, x, scaling)) };
}
