/**
 * Muon.
 *
 * @module
 */
import applyText from "../../../kernels/muon_apply.wgsl" with { type: "text" };
import gramText from "../../../kernels/muon_gram.wgsl" with { type: "text" };
import momentumText from "../../../kernels/muon_momentum.wgsl" with { type: "text" };
import productText from "../../../kernels/muon_product.wgsl" with { type: "text" };
import unitText from "../../../kernels/muon_unit.wgsl" with { type: "text" };
import { grid } from "../../gpu/program.ts";
import type { Bound, Launch, Op, Value } from "../../graph/graph.ts";
import { perSixteen } from "../launch.ts";
import { range, ranges, updateKernel } from "./flat.ts";
import { type Group, keeping, type UpdateRule } from "./rule.ts";

/** Settings of Muon. */
export interface MuonSettings {
  readonly momentum: number;
  /** Whether a step looks ahead by the momentum. */
  readonly nesterov: boolean;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

/** Steps of Newton and Schulz, as torch takes. */
const STEPS = 5;

/** Rounds that a kernel's loop may take on any device. */
const MOST_ROUNDS = 65_000;

type Ins = Readonly<Record<"params" | "gradients" | "m" | "step" | "norm" | "halted", Value>>;
/** Beside the params and moments: u, Gram matrices, and what the steps are made in. */
type Outs = Readonly<Record<"p" | "m1" | "u" | "g" | "a" | "t" | "q" | "n0" | "n1", Value>>;
type Attrs = { groups: readonly Group[]; nesterov: boolean };

/**
 * Muon (Jordan et al., 2024), as torch has it in f32 rather than bf16: momentum whose singular values
 * are brought near 1 by five steps of Newton and Schulz, at the rate times sqrt(max(1, rows / columns)).
 * The steps X <- P(X X^T) X are taken on the Gram matrix of the short side, of the rank's width, for
 * its polynomials commute.
 */
export const muon = ({ momentum, nesterov, clip }: MuonSettings): UpdateRule => ({
  moments: keeping("m"),
  goesBy: "factors",
  stepSize: 4,
  step: (rate) => Float32Array.of(rate, momentum, 1 - momentum, clip),
  update(graph, { params, gradients, moments: { m }, step, norm, halted }, groups) {
    const flat = { shape: params.shape };
    const scratch = { shape: [Math.max(64, placed(groups).size)] };
    const [g, a, t, q, n0, n1] = new Array(6).fill(scratch);
    const ins = { params, gradients, m: m!, step, norm, halted };
    const outs = { p: flat, m1: flat, u: flat, ...{ g, a, t, q, n0, n1 } };
    return graph.call(MUON, ins, outs, { groups, nesterov }).p!;
  },
});

export const MUON: Op<Ins, Outs, Attrs> = {
  name: "muon",
  overwrites: () => ({ p: "params", m1: "m" }),
  launches({ ins, outs, attrs: { groups, nesterov } }, { maxBinding }) {
    const { gradients, step, norm, halted } = ins;
    const momentum = ranges(outs.p, maxBinding).map(({ from, numbers }): Launch => ({
      kernel: updateKernel("muon_momentum", momentumText),
      constants: { N: numbers, NESTEROV: nesterov },
      bind: [
        ...[outs.m1, gradients, outs.u].map((value) => range(value, from, numbers)),
        ...[step, norm, halted],
      ],
      groups: perSixteen(numbers),
    }));
    const { batches } = placed(groups);
    return [
      ...momentum,
      ...batches.flatMap(({ matrices }) => matrices.map((matrix) => gram(outs, matrix))),
      ...batches.flatMap((batch) => orthogonalise(outs, batch)),
      ...batches.flatMap(({ matrices }) => matrices.map((matrix) => apply(ins, outs, matrix))),
    ];
  },
};

/** A matrix with the place of its Gram matrix among those of its rank. */
interface Matrix {
  readonly group: Group;
  readonly R: number;
  readonly L: number;
  readonly isTall: boolean;
  /** Times the rate. */
  readonly size: number;
  /** Where its Gram matrix begins, in numbers. */
  readonly at: number;
}

/** Matrices of one rank, whose Gram matrices lie one after another. */
interface Batch {
  readonly R: number;
  readonly stride: number;
  readonly at: number;
  readonly matrices: readonly Matrix[];
}

/** The matrices by their rank, and the numbers that their Gram matrices take. */
function placed(groups: readonly Group[]): { batches: Batch[]; size: number } {
  let size = 0;
  const byRank = Map.groupBy(
    groups.filter(({ matrix }) => matrix),
    ({ matrix }) => Math.min(matrix!.rows, matrix!.columns),
  );
  const batches = [...byRank].map(([R, groups]): Batch => {
    const [begin, stride] = [size, Math.ceil(R * R / 64) * 64];
    const matrices = groups.map((group, k): Matrix => {
      const { rows, columns, used } = group.matrix!;
      const L = Math.max(rows, columns);
      if (L / 4 > MOST_ROUNDS) {
        throw new RangeError(`Found a matrix [${rows}, ${columns}] for Muon`);
      }
      const isTall = rows > columns;
      const ratio = isTall ? Math.sqrt(Math.max(1, rows / used.columns)) : 1;
      return { group, R, L, isTall, size: ratio, at: begin + k * stride };
    });
    size += groups.length * stride;
    return { R, stride, at: begin, matrices };
  });
  return { batches, size };
}

const perFourOf = (numbers: number) => grid(Math.ceil(numbers / 4 / 64));

/** The numbers of a matrix in a flat buffer, and of its Gram matrix in another. */
const ofMatrix = (value: Value, { group, R, L }: Matrix): Bound => range(value, group.from, R * L);
const ofGram = (value: Value, { at, R }: Matrix): Bound => range(value, at, R * R);

function gram({ u, g }: Outs, matrix: Matrix): Launch {
  const { R, L, isTall } = matrix;
  return {
    kernel: { name: "muon_gram", text: gramText },
    constants: { R, L, TALL: isTall },
    bind: [ofMatrix(u, matrix), ofGram(g, matrix)],
    groups: perFourOf(R * R),
  };
}

/** n: the product of the steps' polynomials, from g. */
function orthogonalise(outs: Outs, { R, stride, at, matrices }: Batch): Launch[] {
  const K = matrices.length;
  const of = (name: keyof Outs) => range(outs[name], at, K * stride);
  const unit: Launch = {
    kernel: { name: "muon_unit", text: unitText },
    constants: { K, R, STRIDE: stride },
    bind: [of("g"), of("a")],
    groups: perFourOf(K * R * R),
  };
  const product = (x: keyof Outs, y: keyof Outs, z: keyof Outs, POLYNOMIAL = false): Launch => ({
    kernel: { name: "muon_product", text: productText },
    constants: { K, R, STRIDE: stride, POLYNOMIAL },
    bind: [of(x), of(y), of(z)],
    groups: perFourOf(K * R * R),
  });
  const launches = [unit];
  for (let step = 0; step < STEPS; step++) {
    const [before, after] = step % 2 === 0 ? ["n1", "n0"] as const : ["n0", "n1"] as const;
    const polynomial = step === 0 ? after : "q";
    launches.push(product("a", "a", polynomial, true));
    if (step > 0) launches.push(product("q", before, after));
    if (step < STEPS - 1) {
      launches.push(product(polynomial, "a", "t"), product("t", polynomial, "a"));
    }
  }
  return launches;
}

/** Where the product of an odd number of steps ends. */
const LAST = "n0";

function apply({ step, halted }: Ins, outs: Outs, matrix: Matrix): Launch {
  const { group: { rate, decay }, R, L, isTall, size } = matrix;
  return {
    kernel: { name: "muon_apply", text: applyText },
    constants: { R, L, TALL: isTall, RATE: rate, DECAY: decay, SIZE: size },
    bind: [
      ...[outs.p, outs.u].map((value) => ofMatrix(value, matrix)),
      ...[outs.g, outs[LAST]].map((value) => ofGram(value, matrix)),
      ...[step, halted],
    ],
    groups: perFourOf(R * L),
  };
}
