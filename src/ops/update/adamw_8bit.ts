/**
 * AdamW with moments of eight bits.
 *
 * @module
 */
import text from "../../../kernels/adamw_8bit.wgsl" with { type: "text" };
import { grid } from "../../gpu/program.ts";
import type { Launch, Op, Value } from "../../graph/graph.ts";
import { adamw, type AdamwSettings } from "./adamw.ts";
import { range } from "./flat.ts";
import type { Group, UpdateRule } from "./rule.ts";

/** Numbers that share a scale. */
const BLOCK = 256;

/** Numbers to whose multiple what is bound is laid. */
const ALIGNMENT = 64;

/** Numbers whose codes and scales both end where a binding may begin. */
const PIECE = BLOCK * ALIGNMENT / 2;

type Ins = Readonly<
  Record<"params" | "gradients" | "codes" | "scales" | "step" | "norm" | "halted", Value>
>;
type Outs = Readonly<Record<"p" | "newCodes" | "newScales", Value>>;
type Attrs = { groups: readonly Group[] };

/**
 * AdamW whose moments lie in eight bits by blocks of 256 numbers (Dettmers et al., 2021, arXiv
 * 2110.02861), as bitsandbytes' own reference of its kernels has it
 * (`optimizer_update_8bit_blockwise_pytorch`). Blocks run on over params that are updated alike.
 */
export const adamw8bit = (settings: AdamwSettings): UpdateRule => {
  const { stepSize, step } = adamw(settings);
  return {
    moments(groups) {
      const { codes, scales } = placed(groups);
      return [
        { name: "codes", numbers: codes, type: "u32" },
        { name: "scales", numbers: scales, type: "f32" },
      ];
    },
    stepSize,
    step,
    update(graph, { params, gradients, moments, step, norm, halted }, groups) {
      const { codes, scales } = moments as Required<typeof moments>;
      const ins = { params, gradients, codes, scales, step, norm, halted };
      const outs = {
        p: { shape: params.shape },
        newCodes: { shape: codes.shape, type: "u32" as const },
        newScales: { shape: scales.shape },
      };
      return graph.call(ADAMW_8BIT, ins, outs, { groups }).p;
    },
  };
};

export const ADAMW_8BIT: Op<Ins, Outs, Attrs> = {
  name: "adamw_8bit",
  overwrites: () => ({ p: "params", newCodes: "codes", newScales: "scales" }),
  launches: ({ ins, outs, attrs: { groups } }, { maxBinding }) =>
    placed(groups).groups.flatMap((group) => launches(ins, outs, group, maxBinding)),
};

/** A group with the places of its codes and scales, in numbers of four bytes. */
type Placed = Group & { readonly codesAt: number; readonly scalesAt: number };

const aligned = (numbers: number): number => Math.ceil(numbers / ALIGNMENT) * ALIGNMENT;
const codesOf = (numbers: number): number => numbers / 2;
const scalesOf = (numbers: number): number => 2 * Math.ceil(numbers / BLOCK);

/** The groups one after another, with what all of their codes and scales take. */
function placed(groups: readonly Group[]): { groups: Placed[]; codes: number; scales: number } {
  let [codes, scales] = [0, 0];
  const all = groups.map((group): Placed => {
    const place = { ...group, codesAt: codes, scalesAt: scales };
    codes += aligned(codesOf(group.numbers));
    scales += aligned(scalesOf(group.numbers));
    return place;
  });
  return { groups: all, codes, scales };
}

/** One launch for each part of a group that can be bound. */
function launches(
  { gradients, step, norm, halted }: Ins,
  { p, newCodes, newScales }: Outs,
  { from, numbers: all, rate, decay, codesAt, scalesAt }: Placed,
  maxBinding: number,
): Launch[] {
  const most = Math.floor(maxBinding / 4 / PIECE) * PIECE;
  return Array.from({ length: Math.ceil(all / most) }, (_, part): Launch => {
    const begin = part * most;
    const numbers = Math.min(most, all - begin);
    return {
      kernel: { name: "adamw_8bit", text },
      constants: { N: numbers, RATE: rate, DECAY: decay },
      bind: [
        ...[p, gradients].map((value) => range(value, from + begin, numbers)),
        range(newCodes, codesAt + codesOf(begin), codesOf(numbers)),
        range(newScales, scalesAt + scalesOf(begin), scalesOf(numbers)),
        ...[step, norm, halted],
      ],
      groups: grid(Math.ceil(numbers / BLOCK)),
    };
  });
}
