/**
 * Adafactor.
 *
 * @module
 */
import applyText from "../../../kernels/adafactor_apply.wgsl" with { type: "text" };
import linesText from "../../../kernels/adafactor_lines.wgsl" with { type: "text" };
import scaleText from "../../../kernels/adafactor_scale.wgsl" with { type: "text" };
import sharedText from "../../../kernels/shared/adafactor.wgsl" with { type: "text" };
import squaresText from "../../../kernels/adafactor_squares.wgsl" with { type: "text" };
import { grid } from "../../gpu/program.ts";
import type { Launch, Op, Value } from "../../graph/graph.ts";
import { lanesFor, REDUCE } from "../launch.ts";
import { range } from "./flat.ts";
import type { Group, GroupMatrix, UpdateRule } from "./rule.ts";

/** Settings of Adafactor. */
export interface AdafactorSettings {
  /** Added to the squares of gradients. */
  readonly epsilon: number;
  /** Largest gradient norm; 0 is off. */
  readonly clip: number;
}

/** How fast the second moment forgets less: it decays by 1 - t^-0.8. */
const FORGETTING = 0.8;

/** Rounds that a kernel's loop may take on any device. */
const MOST_ROUNDS = 65_000;

/** Numbers to whose multiple what is bound is laid. */
const ALIGNMENT = 64;

type Ins = Readonly<Record<"params" | "gradients" | "v" | "step" | "norm" | "halted", Value>>;
/** Beside the params and what is kept: sums by row, and a scale a tensor. */
type Outs = Readonly<Record<"p" | "v1" | "sums" | "scales", Value>>;
type Attrs = { groups: readonly Group[] };

/**
 * Adafactor (Shazeer and Stern, 2018, arXiv 1804.04235), as transformers has it with a rate of its
 * own: of the second moment the means of rows and columns are kept, no first moment, and an update is
 * no larger than the rate in the root mean square. A vector is a matrix of one column, which is
 * the same as to keep all of its second moment.
 */
export const adafactor = ({ epsilon, clip }: AdafactorSettings): UpdateRule => ({
  moments: (groups) => [{ name: "v", numbers: placed(groups).kept, type: "f32" }],
  goesBy: "tensors",
  stepSize: 5,
  step(rate, t) {
    const rest = t ** -FORGETTING;
    return Float32Array.of(rate, 1 - rest, rest, epsilon, clip);
  },
  update(graph, { params, gradients, moments: { v }, step, norm, halted }, groups) {
    const { kept, sums } = placed(groups);
    const ins = { params, gradients, v: v!, step, norm, halted };
    const scales = { shape: [ALIGNMENT * groups.length] };
    const outs = { p: { shape: params.shape }, v1: { shape: [kept] }, sums: { shape: [sums] } };
    return graph.call(ADAFACTOR, ins, { ...outs, scales }, { groups }).p;
  },
});

export const ADAFACTOR: Op<Ins, Outs, Attrs> = {
  name: "adafactor",
  overwrites: () => ({ p: "params", v1: "v" }),
  launches({ ins, outs, attrs: { groups } }, { maxBinding }) {
    const { tensors } = placed(groups);
    for (const { matrix: { rows, columns }, stored } of tensors) {
      if (4 * stored <= maxBinding && Math.max(rows, columns) / WORKGROUP <= MOST_ROUNDS) continue;
      throw new RangeError(
        `Found a tensor of [${rows}, ${columns}], wanted one of ${maxBinding} bytes at most for Adafactor`,
      );
    }
    return [
      ...tensors.map((tensor) => lines(ins, outs, tensor, false)),
      ...tensors.map((tensor) => lines(ins, outs, tensor, true)),
      ...tensors.map((tensor) => squares(ins, outs, tensor)),
      ...tensors.map((tensor) => scale(outs, tensor)),
      ...tensors.map((tensor) => apply(ins, outs, tensor)),
    ];
  },
};

/** A tensor with the places of what is kept of it, and of its sums, in numbers. */
interface Tensor {
  readonly group: Group;
  readonly matrix: GroupMatrix;
  /** Numbers that it takes, blocks filled up. */
  readonly stored: number;
  readonly rowsAt: number;
  readonly columnsAt: number;
  readonly sumsAt: number;
  readonly scaleAt: number;
}

const aligned = (numbers: number): number => Math.ceil(numbers / ALIGNMENT) * ALIGNMENT;

/** The tensors, with how many numbers are kept and how many sums there are. */
function placed(groups: readonly Group[]): { tensors: Tensor[]; kept: number; sums: number } {
  let [kept, sums] = [0, 0];
  const tensors = groups.map((group, i): Tensor => {
    const matrix = group.matrix ?? column(group.numbers);
    const { rows, columns, layout } = matrix;
    const [rowsAt, sumsAt, scaleAt] = [kept, sums, i * ALIGNMENT];
    const columnsAt = kept + aligned(rows);
    kept = columnsAt + aligned(columns);
    sums += aligned(rows);
    const stored = (layout === "blocks" ? Math.ceil(rows / 4) * 4 : rows) * columns;
    return { group, matrix, stored, rowsAt, columnsAt, sumsAt, scaleAt };
  });
  return { tensors, kept, sums };
}

/** All of a buffer whose tensors nobody has told of, as one vector. */
const column = (rows: number): GroupMatrix => ({
  ...{ rows, columns: 1, used: { rows, columns: 1 }, layout: "rows" },
});

/** Invocations of a workgroup. */
const WORKGROUP = 64;

/** What kernels that share out lines have in common. */
function shared(name: string, text: string, { matrix }: Tensor, lines: number, length: number) {
  const { rows, columns, layout } = matrix;
  const lanes = Math.min(WORKGROUP, 2 ** Math.ceil(Math.log2(length)));
  return {
    kernel: { name, text, imports: { adafactor: { name: "shared/adafactor", text: sharedText } } },
    constants: { ROWS: rows, COLUMNS: columns, BLOCKS: layout === "blocks", LANES: lanes },
    groups: grid(Math.ceil(lines * lanes / WORKGROUP)),
  };
}

const rowsOf = (v: Value, { rowsAt, matrix }: Tensor) => range(v, rowsAt, matrix.rows);
const columnsOf = (v: Value, { columnsAt, matrix }: Tensor) => range(v, columnsAt, matrix.columns);
const sumsOf = (sums: Value, { sumsAt, matrix }: Tensor) => range(sums, sumsAt, matrix.rows);
const numbersOf = (flat: Value, { group, stored }: Tensor) => range(flat, group.from, stored);

function lines(
  { gradients, step, norm, halted }: Ins,
  { v1 }: Outs,
  tensor: Tensor,
  byColumn: boolean,
): Launch {
  const { rows, columns, used } = tensor.matrix;
  const [count, length] = byColumn ? [columns, rows] : [rows, columns];
  const launch = shared("adafactor_lines", linesText, tensor, count, length);
  const USED = byColumn ? used.rows : used.columns;
  return {
    ...launch,
    constants: { ...launch.constants, BY_COLUMN: byColumn, USED },
    bind: [
      byColumn ? columnsOf(v1, tensor) : rowsOf(v1, tensor),
      ...[numbersOf(gradients, tensor), step, norm, halted],
    ],
  };
}

function squares({ gradients, step, norm }: Ins, { v1, sums }: Outs, tensor: Tensor): Launch {
  const { rows, columns } = tensor.matrix;
  return {
    ...shared("adafactor_squares", squaresText, tensor, rows, columns),
    bind: [
      ...[sumsOf(sums, tensor), numbersOf(gradients, tensor)],
      ...[rowsOf(v1, tensor), columnsOf(v1, tensor), step, norm],
    ],
  };
}

function scale({ v1, sums, scales }: Outs, tensor: Tensor): Launch {
  const { rows, used } = tensor.matrix;
  return {
    kernel: { name: "adafactor_scale", text: scaleText, imports: { reduce: REDUCE } },
    constants: {
      ...{ ROWS: rows, USED: used.rows, COUNT: used.rows * used.columns },
      LANES: lanesFor(rows),
    },
    bind: [range(scales, tensor.scaleAt, 1), rowsOf(v1, tensor), sumsOf(sums, tensor)],
    groups: [1],
  };
}

function apply(
  { gradients, step, norm, halted }: Ins,
  { p, v1, scales }: Outs,
  tensor: Tensor,
): Launch {
  const { group: { rate, decay }, matrix: { rows, columns } } = tensor;
  const launch = shared("adafactor_apply", applyText, tensor, rows * columns, 1);
  return {
    ...launch,
    constants: { ...launch.constants, RATE: rate, DECAY: decay },
    bind: [
      ...[numbersOf(p, tensor), numbersOf(gradients, tensor)],
      ...[rowsOf(v1, tensor), columnsOf(v1, tensor), range(scales, tensor.scaleAt, 1)],
      ...[step, norm, halted],
    ],
  };
}
