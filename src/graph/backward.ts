/**
 * Reverse-mode differentiation: walks the calls in reverse and lets each op add its backward calls.
 *
 * @module
 */
import type { Call, Gradients, Graph, Named, Value } from "./graph.ts";

export interface BackwardOptions {
  /** Applies the op that sums two gradients of one value. */
  sum: (graph: Graph, a: Value, b: Value) => Value;
  /** Recompute each block of layers before its backward instead of keeping what it saved. */
  recompute?: boolean;
  /** Called at the end with a look-up of any value's gradient. */
  found?: (gradientOf: (value: Value) => Value | undefined) => void;
}

/**
 * Appends the backward calls of `loss` (one number a row, whose gradient is one) and places the
 * gradient of every trained param. Nothing is added for frozen values: a call whose inputs need no
 * gradient is skipped whole.
 *
 * @throws {RangeError} where an op on the way has no backward, a param does not reach the loss, or
 * two params have one gradient between them (a + b).
 */
export function backward(graph: Graph, loss: Value, options: BackwardOptions): void {
  const { sum, recompute = false, found } = options;
  const forward = [...graph.calls];
  const walk = new Walk(graph, sum);
  graph.inBackward = true;
  for (let at = forward.length - 1; at >= 0;) {
    const { block } = forward[at]!;
    let first = at;
    while (block !== null && first > 0 && forward[first - 1]!.block === block) first--;
    const calls = forward.slice(first, at + 1);
    walk.through(recompute && block !== null ? walk.again(calls) : calls, loss);
    at = first - 1;
  }
  graph.inBackward = false;
  placeGradients(graph, walk);
  found?.(walk.of);
}

/** The gradients found so far, keyed by the values of the first forward. */
class Walk implements Gradients {
  readonly #gradients = new Map<Value, Value>();
  /** Recomputed values to the ones they repeat. */
  readonly #original = new Map<Value, Value>();

  constructor(readonly graph: Graph, readonly sum: BackwardOptions["sum"]) {}

  of = (output: Value) => this.#gradients.get(this.#key(output));
  before = (input: Value) => this.#gradients.get(this.#key(input));
  set = (input: Value, gradient: Value) => {
    this.#gradients.set(this.#key(input), gradient);
  };
  add = (input: Value, gradient: Value) => {
    const before = this.before(input);
    this.set(input, before ? this.sum(this.graph, before, gradient) : gradient);
  };

  through(calls: readonly Call[], loss: Value): void {
    for (const call of calls.toReversed()) {
      const outs = Object.values(call.outs as Named) as Value[];
      const flows = outs.some((out) => out.needs && (out === loss || this.of(out)));
      if (!flows) continue;
      if (!call.op.backward) throw new RangeError(`${call.op.name} has no backward`);
      call.op.backward(this.graph, call, this);
    }
  }

  /** Repeats the calls of a block with fresh outputs, and returns the repeated calls. */
  again(calls: readonly Call[]): Call[] {
    const { graph } = this;
    const fresh = new Map<Value, Value>();
    const from = graph.calls.length;
    for (const { op, ins, outs, attrs } of calls) {
      const entries = Object.entries(ins as Named);
      const again = Object.fromEntries(entries.map(([k, v]) => [k, v && (fresh.get(v) ?? v)]));
      const made = graph.call(op, again, outs as Record<string, Value>, attrs);
      for (const [name, value] of Object.entries(outs as Record<string, Value>)) {
        const copy = made[name]!;
        Object.assign(copy, { needs: value.needs });
        fresh.set(value, copy);
        this.#original.set(copy, value);
      }
    }
    return graph.calls.slice(from);
  }

  #key(value: Value): Value {
    return this.#original.get(value) ?? value;
  }
}

function placeGradients(graph: Graph, walk: Walk): void {
  for (const param of graph.values.filter(({ kind, needs }) => kind === "param" && needs)) {
    const gradient = walk.of(param);
    if (!gradient) throw new RangeError(`The loss does not depend on ${param.name}`);
    graph.placeGradient(param, gradient);
  }
}
