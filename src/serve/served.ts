/**
 * What a server answers with: a base and adapters over one store of weights and one set of caches.
 *
 * @module
 */
import { hasTemplate, type RowTokenizer, rowTokenizer } from "../data/mod.ts";
import { ConfigError } from "../errors.ts";
import { Resources } from "../graph/resources.ts";
import { type OpenGroup, openGroups } from "../inference/beside.ts";
import { BatchDecoder } from "../inference/decoder.ts";
import type { OpenModel } from "../inference/open.ts";
import { RequestQueue } from "../inference/queue.ts";
import { stopIds, suggestedSampling } from "../inference/stop.ts";
import type { SampleOptions } from "../inference/sample.ts";

/** How much a server takes on. */
export interface ServedOptions {
  /** Tokens of prompt and answer together. */
  readonly context: number;
  /** The most requests under way at a time. */
  readonly slots: number;
  /** The most requests that wait beside them. */
  readonly waiting: number;
}

/** A base and its adapters, by name, ready to answer. */
export class Served implements Disposable {
  private constructor(
    private readonly open: OpenModel,
    private readonly groups: readonly OpenGroup[],
    private readonly decoders: ReadonlyMap<string, BatchDecoder>,
    private readonly caches: Resources,
    readonly queue: RequestQueue,
    readonly tokenizer: RowTokenizer,
  ) {}

  /**
   * Opens adapters beside a base and makes their caches.
   *
   * @param base The name of the base.
   * @param adapters Folders by name.
   * @throws {ConfigError} where two have one name, or an adapter does not fit.
   */
  static async open(
    open: OpenModel,
    base: string,
    adapters: ReadonlyMap<string, string>,
    { context, slots, waiting }: ServedOptions,
  ): Promise<Served> {
    if (adapters.has(base)) throw new ConfigError(`Found two models of the name ${base}`);
    const { engine, model } = open;
    const size = { context: Math.min(context, model.config.context), slots };
    const groups = openGroups(open, adapters);
    const caches = new Resources(engine.device);
    const decoders = new Map<string, BatchDecoder>();
    const add = async (names: readonly string[], group?: OpenGroup) => {
      const options = { ...size, adapt: group?.adapt, ...perRow(group) };
      const planned = BatchDecoder.plan(group?.engine ?? engine, model, options);
      const decoder = await planned.open(caches);
      for (const name of names) decoders.set(name, decoder);
    };
    try {
      const withBase = groups.find(({ isPerRow }) => isPerRow);
      await add([base, ...withBase?.names ?? []], withBase);
      for (const group of groups) if (group !== withBase) await add(group.names, group);
      const names = [base, ...adapters.keys()];
      const inOrder = new Map(names.map((name) => [name, decoders.get(name)!]));
      const queue = new RequestQueue(inOrder, waiting);
      return new Served(open, groups, inOrder, caches, queue, rowTokenizer(model));
    } catch (fault) {
      for (const decoder of new Set(decoders.values())) decoder[Symbol.dispose]();
      for (const group of groups) group[Symbol.dispose]();
      caches[Symbol.dispose]();
      throw fault;
    }
  }

  /** The base's name, then those of the adapters. */
  get names(): string[] {
    return [...this.decoders.keys()];
  }

  /** Requests under way at a time. */
  get slots(): number {
    return this.#any.slots;
  }

  /** Tokens of prompt and answer together. */
  get context(): number {
    return this.#any.context;
  }

  /** Whether it can be talked with. */
  get chats(): boolean {
    return hasTemplate(this.tokenizer);
  }

  /** Virtual tokens that every prompt begins with. */
  get virtual(): readonly number[] {
    return this.tokenizer.virtual ?? [];
  }

  /** Ids that end a text. */
  get ends(): number[] {
    return stopIds(this.open.model);
  }

  /** How tokens are drawn where a request does not say. */
  get sampling(): Partial<SampleOptions> {
    return suggestedSampling(this.open.model) ?? {};
  }

  get #any(): BatchDecoder {
    return this.decoders.values().next().value!;
  }

  /** The text of ids. */
  decode(ids: readonly number[]): string {
    return this.open.model.tokenizer.decode([...ids]);
  }

  /** Frees programs, caches and adapters; the base stays open. */
  [Symbol.dispose](): void {
    this.queue[Symbol.dispose]();
    for (const decoder of new Set(this.decoders.values())) decoder[Symbol.dispose]();
    for (const group of this.groups) group[Symbol.dispose]();
    this.caches[Symbol.dispose]();
  }
}

/** Names by number, for a decoder of a group whose rows go through one of its adapters each. */
const perRow = (group: OpenGroup | undefined) => group?.isPerRow ? { adapters: group.names } : {};
