/**
 * What the graphs of a forward read of packed micro-batches.
 *
 * @module
 */
import type { Compiled } from "../graph/compile.ts";
import type { Graph } from "../graph/graph.ts";
import { DRAW } from "../ops/mod.ts";
import { type OrderNames, POSITION_ORDER, TOKEN_ORDER } from "./layers/adapt.ts";
import { sourceData, type SourceRows } from "./layers/source_rows.ts";
import type { RowInputs } from "./family.ts";
import type { Model } from "./model.ts";
import { OWN, ownRows } from "./virtual.ts";

/** The documents of a packed micro-batch, as `batch` of data lays them out. */
export interface PackedDocuments {
  readonly tokens: Uint32Array; // [T]
  readonly positions: Uint32Array; // [T]
  readonly start: Uint32Array; // [T]
  readonly end: Uint32Array; // [T]
  /** What the encoder reads, where the model has one. */
  readonly source?: SourceRows | undefined;
}

/** Writes them for a program. */
export class PackedInputs {
  /** Rows of trained tables, of tokens and of positions; 0 where there is none. */
  readonly #tables: { readonly tokens: number; readonly positions: number };
  readonly #hasEncoder: boolean;
  /** Whether numbers are drawn at random. */
  readonly #draws: boolean;
  /** Whether a forward has no adapter of the virtual tokens, and so reads nothing of them. */
  readonly #hides: boolean;

  constructor(
    private readonly compiled: Compiled,
    readonly T: number,
    graph: Graph,
    private readonly model: Model,
  ) {
    const inputs = graph.values.filter(({ kind }) => kind === "input");
    const rowsOf = ({ first }: OrderNames) =>
      (inputs.find(({ name }) => name === first)?.shape[0] ?? 1) - 1;
    this.#tables = { tokens: rowsOf(TOKEN_ORDER), positions: rowsOf(POSITION_ORDER) };
    this.#hasEncoder = model.hasEncoder;
    this.#hides = inputs.some(({ name }) => name === OWN.start);
    this.#draws = inputs.some(({ name }) => name === DRAW);
  }

  /**
   * Writes a micro-batch. `draw` is its number in the whole run, by which numbers are drawn at random.
   *
   * @throws {RangeError} where it has another number of rows than the program, or a source that the
   * model has no encoder for, or none where it has one; where numbers are drawn and no `draw`
   * is given.
   */
  write({ tokens, positions, start, end, source }: PackedDocuments, draw?: number): void {
    if (tokens.length !== this.T) {
      throw new RangeError(`Found ${tokens.length} rows, wanted ${this.T}`);
    }
    if (Boolean(source) !== this.#hasEncoder) {
      throw new RangeError(
        `Found rows ${
          this.#hasEncoder ? "without a source, wanted one" : "with a source, wanted none"
        }`,
      );
    }
    for (const [name, data] of source ? sourceData(source) : []) this.compiled.write(name, data);
    if (this.#draws) {
      if (draw === undefined) {
        throw new RangeError("Found no draw, wanted one: dropout or noise goes by it");
      }
      this.compiled.write(DRAW, Uint32Array.of(draw));
    }
    const { hidesVirtual, virtualTokens } = this.model;
    const seen = { position: positions, start };
    const own = this.#hides || hidesVirtual ? ownRows({ positions, start }, virtualTokens) : seen;
    const read = hidesVirtual ? own : seen;
    const inputs = { token: tokens, ...read, end };
    for (const [name, data] of Object.entries(inputs)) this.compiled.write(name, data);
    if (this.#hides) {
      this.compiled.write(OWN.position, own.position);
      this.compiled.write(OWN.start, own.start);
    }
    this.#writeOrder(TOKEN_ORDER, tokens, this.#tables.tokens);
    this.#writeOrder(POSITION_ORDER, read.position, this.#tables.positions);
  }

  #writeOrder(names: OrderNames, index: Uint32Array, rows: number): void {
    if (rows === 0) return;
    const { order, first } = sortTokens(index, rows);
    this.compiled.write(names.order, order);
    this.compiled.write(names.first, first);
  }
}

/** Positions of the tokens sorted by id, stable, and where each id's positions begin. */
export function sortTokens(tokens: Uint32Array, vocabSize: number) {
  const first = new Uint32Array(vocabSize + 1);
  for (const token of tokens) first[token + 1]!++;
  for (let id = 0; id < vocabSize; id++) first[id + 1]! += first[id]!;
  const next = first.slice();
  const order = new Uint32Array(tokens.length);
  for (const [position, token] of tokens.entries()) order[next[token]!++] = position;
  return { order, first };
}

/** Declares the inputs of packed documents. */
export function packedRows(graph: Graph, T: number): RowInputs {
  const input = (name: string) => graph.input(name, [T]);
  const ends = { start: input("start"), end: input("end") };
  return { kind: "packed", token: input("token"), position: input("position"), ...ends };
}
