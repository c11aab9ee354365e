/**
 * Sizing and opening as one: a graph is planned once, asked what it takes, and opened as planned.
 *
 * @module
 */
import type { Compiled } from "./compile.ts";
import { type Footprint, footprint, storedBytes, type Tables } from "./footprint.ts";
import type { Graph, Target, Value } from "./graph.ts";
import { type Plan, plan } from "./plan.ts";
import type { Resources } from "./resources.ts";

/** Allocates and records what was planned. */
type Open<T> = (plan: Plan, resources?: Resources) => Promise<T>;

/** A program that takes no memory yet. */
export class Planned<T = Compiled> {
  private constructor(
    readonly graph: Graph,
    readonly target: Target,
    readonly plan: Plan,
    /** What it will take on the device. */
    readonly footprint: Footprint,
    private readonly opening: Open<T>,
    /** Names of its weights that are computed. */
    readonly tables: Tables,
  ) {}

  /**
   * Plans a finished graph for a device.
   *
   * @param tables Names of its weights that are computed.
   * @throws {RangeError} as {@link plan}.
   */
  static of(
    graph: Graph,
    target: Target,
    opening: Open<Compiled>,
    tables: Tables = new Set(),
  ): Planned {
    const planned = plan(graph);
    const bytes = footprint(graph, target, planned, tables);
    return new Planned(graph, target, planned, bytes, opening, tables);
  }

  /** The same program inside of what feeds it. */
  as<U>(wrap: (opened: T) => U): Planned<U> {
    const opening: Open<U> = async (...given) => wrap(await this.opening(...given));
    return new Planned(this.graph, this.target, this.plan, this.footprint, opening, this.tables);
  }

  /** The same program, which will take another one's memory too once it opens that one itself. */
  with(other: Planned<unknown>): Planned<T> {
    const footprint = together([this, other]);
    return new Planned(this.graph, this.target, this.plan, footprint, this.opening, this.tables);
  }

  /**
   * Loads what the store lacks, allocates and records.
   *
   * @param resources States that it shares with other programs; by default it has its own, which
   * are freed with it.
   */
  open(resources?: Resources): Promise<T> {
    return this.opening(this.plan, resources);
  }
}

/** What several programs take together: what they share by name counts once. */
export function together(programs: readonly Planned<unknown>[]): Footprint {
  const sum = (what: "inputs" | "temporary") =>
    programs.reduce((bytes, { footprint }) => bytes + footprint[what], 0);
  const shared = (kind: Value["kind"], isTable = false) => {
    const sizes = new Map(programs.flatMap(({ graph, target, tables }) => {
      const values = graph.values.filter((value) =>
        value.kind === kind && tables.has(value.name) === isTable
      );
      return values.map((value) => [value.name, storedBytes(value, target)] as const);
    }));
    return sizes.values().reduce((bytes, size) => bytes + size, 0);
  };
  return {
    weights: shared("weight"),
    tables: shared("weight", true),
    params: shared("param"),
    states: shared("state"),
    inputs: sum("inputs"),
    temporary: sum("temporary"),
    unbindable: programs.find(({ footprint }) => footprint.unbindable)?.footprint.unbindable ??
      null,
  };
}
