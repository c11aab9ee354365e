/**
 * Sizing and opening as one: a graph is planned once, asked what it takes, and opened as planned.
 *
 * @module
 */
import type { Compiled } from "./compile.ts";
import { bytesOf, type Graph, type Value } from "./graph.ts";
import { type Footprint, footprint, type Plan, plan } from "./plan.ts";
import type { Resources } from "./resources.ts";

/** Allocates and records what was planned. */
type Open<T> = (plan: Plan, resources?: Resources) => Promise<T>;

/** A program that takes no memory yet. */
export class Planned<T = Compiled> {
  private constructor(
    readonly graph: Graph,
    readonly plan: Plan,
    /** What it will take on the device. */
    readonly footprint: Footprint,
    private readonly opening: Open<T>,
  ) {}

  /**
   * Plans a finished graph.
   *
   * @throws {RangeError} as {@link plan}.
   */
  static of(graph: Graph, opening: Open<Compiled>): Planned {
    const planned = plan(graph);
    return new Planned(graph, planned, footprint(graph, planned), opening);
  }

  /** The same program inside of what feeds it. */
  as<U>(wrap: (opened: T) => U): Planned<U> {
    const opening: Open<U> = async (...given) => wrap(await this.opening(...given));
    return new Planned(this.graph, this.plan, this.footprint, opening);
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
  const shared = (kind: Value["kind"]) => {
    const values = programs.flatMap(({ graph }) => graph.values.filter((v) => v.kind === kind));
    const sizes = new Map(values.map((value) => [value.name, bytesOf(value)]));
    return sizes.values().reduce((bytes, size) => bytes + size, 0);
  };
  return {
    weights: shared("weight"),
    params: shared("param"),
    states: shared("state"),
    inputs: sum("inputs"),
    temporary: sum("temporary"),
  };
}
