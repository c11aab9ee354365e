/**
 * What a graph takes, known before anything is allocated.
 *
 * @module
 */
import { texelBytes } from "../gpu/texture.ts";
import { bytesOf, type Graph, partsOf, rowsOf, type Target, type Value } from "./graph.ts";
import { unbindable } from "./bind.ts";
import { type Plan, plan } from "./plan.ts";
import { isTexels, planTwins } from "./twins.ts";

/** Bytes that a graph takes, by what they are for. */
export interface Footprint {
  /** Those of the checkpoint, shared by every program of a model. */
  readonly weights: number;
  /** Weights that are computed, which each program has for itself, or with those of its states. */
  readonly tables: number;
  /** Trained params alone; gradients and moments take as much again each. */
  readonly params: number;
  readonly states: number;
  readonly inputs: number;
  /** Activations, gradients of activations, scratch and twins, shared by lifetime. */
  readonly temporary: number;
  /** A value that the device cannot bind, in words; null where it can bind all. */
  readonly unbindable: string | null;
}

/** Names of weights that are computed, not loaded. */
export type Tables = Pick<ReadonlySet<string>, "has">;

/** Bytes of a program beside weights, params and states. */
export const ownBytes = ({ tables, inputs, temporary }: Footprint): number =>
  tables + inputs + temporary;

/** What a graph takes on a device. */
export function footprint(
  graph: Graph,
  target: Target,
  planned: Plan = plan(graph),
  tables: Tables = new Set(),
): Footprint {
  const launches = planned.calls.flatMap((call) => call.op.launches(call, target));
  const twins = planTwins(launches, planned, target).slots.map(({ bytes }) => bytes);
  const sum = (kind: Value["kind"], isTable = false) =>
    total(
      graph.values.filter((v) => v.kind === kind && tables.has(v.name) === isTable)
        .map((v) => storedBytes(v, target)),
    );
  return {
    weights: sum("weight"),
    tables: sum("weight", true),
    params: sum("param"),
    states: sum("state"),
    inputs: sum("input"),
    temporary: total([...planned.slots, ...twins]),
    unbindable: unbindable(launches, target),
  };
}

/** Bytes of a value with memory of its own. */
export function storedBytes(value: Value, target: Target): number {
  if (!isTexels(value, target)) return bytesOf(value);
  return total(partsOf(value, target.maxWords).map((part) => texelBytes(rowsOf(value, part).size)));
}

const total = (bytes: readonly number[]): number => bytes.reduce((sum, size) => sum + size, 0);
