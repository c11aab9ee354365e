/**
 * Ranges of the flat buffers, and an op that updates them number by number.
 *
 * @module
 */
import updateText from "../../../kernels/shared/update.wgsl" with { type: "text" };
import type { Kernel } from "../../gpu/kernel.ts";
import type { Bound, Graph, Op, Value } from "../../graph/graph.ts";
import { perSixteen, sizeOf } from "../launch.ts";
import type { Moment } from "../../graph/store.ts";
import type { Group, UpdateState } from "./rule.ts";

/** A kernel of a rule: what all rules share is imported. */
export const updateKernel = (name: string, text: string): Kernel => ({
  name,
  text,
  imports: { update: { name: "shared/update", text: updateText } },
});

/** Cuts flat numbers into bindable ranges, 256-byte aligned. */
export function ranges(flat: Value, maxBinding: number): { from: number; numbers: number }[] {
  const most = Math.floor(maxBinding / 256) * 64;
  const parts = [];
  for (let from = 0; from < sizeOf(flat); from += most) {
    parts.push({ from, numbers: Math.min(most, sizeOf(flat) - from) });
  }
  return parts;
}

export const range = (value: Value, from: number, numbers: number): Bound => ({
  value,
  offset: from * 4,
  size: numbers * 4,
});

/** Bindable ranges of groups that cover a flat buffer one after another. */
function byGroup(flat: Value, groups: readonly Group[], maxBinding: number): Group[] {
  return ranges(flat, maxBinding).flatMap(({ from, numbers }) =>
    groups.flatMap((group) => {
      const begin = Math.max(from, group.from);
      const end = Math.min(from + numbers, group.from + group.numbers);
      return begin < end ? [{ ...group, from: begin, numbers: end - begin }] : [];
    })
  );
}

/** A kernel that updates each number by itself. */
interface Elementwise {
  readonly name: string;
  readonly text: string;
  readonly moments: readonly Moment["name"][];
  /** Beside N, RATE and DECAY. */
  readonly constants?: Readonly<Record<string, boolean>>;
}

/**
 * One update in place by a kernel that binds p, grad, its moments, step, norm and halted in this
 * order.
 */
export function updateEach(
  graph: Graph,
  kernel: Elementwise,
  state: UpdateState,
  groups: readonly Group[],
): Value {
  const out = { shape: state.params.shape };
  const moments = Object.fromEntries(
    kernel.moments.map((moment) => [moment, state.moments[moment]!]),
  );
  const outs = Object.fromEntries(kernel.moments.map((moment) => [`new ${moment}`, out]));
  const { params, gradients, step, norm, halted } = state;
  return graph.call(
    opOf(kernel),
    { params, gradients, ...moments, step, norm, halted },
    { p: out, ...outs },
    { groups },
  ).p!;
}

type Values = Readonly<Record<string, Value>>;

function opOf(kernel: Elementwise): Op<Values, Values, { groups: readonly Group[] }> {
  const { name, text, moments, constants } = kernel;
  const written = moments.map((moment) => [`new ${moment}`, moment]);
  return {
    name,
    overwrites: () => ({ p: "params", ...Object.fromEntries(written) }),
    launches({ ins, outs, attrs: { groups } }, { maxBinding }) {
      const { gradients, step, norm, halted } = ins;
      return byGroup(outs["p"]!, groups, maxBinding).map(({ from, numbers, rate, decay }) => {
        const of = (value: Value) => range(value, from, numbers);
        const kept = moments.map((moment) => of(outs[`new ${moment}`]!));
        return {
          kernel: updateKernel(name, text),
          constants: { N: numbers, RATE: rate, DECAY: decay, ...constants },
          bind: [of(outs["p"]!), of(gradients!), ...kept, step!, norm!, halted!],
          groups: perSixteen(numbers),
        };
      });
    },
  };
}
