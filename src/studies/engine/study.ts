/**
 * What a study is: a spec is planned into cells, each is done on its own, and what they come to is
 * told in tables and pictures.
 *
 * @module
 */
import type { z } from "../../deps/zod.ts";
import type { Device } from "../../gpu/device.ts";
import type { Picture } from "./picture.ts";

/** What is JSON. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** What a cell works with. */
export interface CellContext {
  readonly device: Device;
  /** The folder of the study. */
  readonly out: string;
  readonly say: (line: string) => void;
  /** What another cell came to, of those that this one comes after. */
  readonly found: (cell: string) => unknown;
}

/** A part of a study that is done as a whole, and never twice. */
export interface Cell<R> {
  /** Of its files; unlike all others of the study. */
  readonly name: string;
  /** Cells that have to be done before it; none where absent. */
  readonly after?: readonly string[];
  /** What it comes to is kept as JSON. All that it depends on is the spec and the files named there. */
  run(context: CellContext): Promise<R>;
}

/** What a study is planned with. */
export interface Place {
  /** That of the spec: its paths are relative to it. */
  readonly folder: string;
  /** That of the study. */
  readonly out: string;
}

/** What a study has found. */
export interface Findings {
  readonly tables: readonly Table[];
  readonly pictures: readonly Picture[];
  /** The numbers behind them, for programs. */
  readonly numbers: Json;
}

/** A table with what it shows in a sentence. */
export interface Table {
  readonly title: string;
  readonly note?: string;
  readonly head: readonly string[];
  /** The first of a row is its heading. */
  readonly rows: readonly (readonly string[])[];
}

/** A kind of study. */
export interface Study<S, R> {
  readonly name: string;
  /** In a line. */
  readonly summary: string;
  readonly schema: z.ZodType<S>;
  /**
   * The cells of a spec, in the order in which they are done.
   *
   * @throws {ConfigError} where it names what is not there.
   */
  plan(spec: S, place: Place): Promise<readonly Cell<R>[]>;
  /** What all of its cells come to, by their names. */
  conclude(spec: S, results: ReadonlyMap<string, R>, place: Place): Promise<Findings>;
}
