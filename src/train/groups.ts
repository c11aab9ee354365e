/**
 * Groups of params that are updated alike: ranges of the flat buffers.
 *
 * @module
 */
import { matching } from "../adapters/peft/targets.ts";
import type { TrainConfig } from "../config/mod.ts";
import { SLICE_ALIGNMENT } from "../gpu/buffer.ts";
import { ConfigError } from "../errors.ts";
import type { Place } from "../graph/store.ts";
import type { Group, GroupMatrix, UpdateRule } from "../ops/mod.ts";

/** What says how params are updated. */
export type Grouping = Pick<
  TrainConfig,
  "lr" | "lora_plus_ratio" | "lr_pattern" | "weight_decay" | "weight_decay_pattern"
>;

/**
 * The groups of params by where they lie, neighbours that are alike as one unless each is a group.
 *
 * @throws {ConfigError} where a rule goes by LoRA's factors and something else is trained.
 */
export function groupsOf(
  places: readonly Place[],
  grouping: Grouping,
  goesBy: UpdateRule["goesBy"],
): Group[] {
  const groups: Group[] = [];
  for (const place of places.filter(({ isHeld }) => !isHeld)) {
    const { name, shape, offset, size } = place;
    const numbers = Math.ceil(size / SLICE_ALIGNMENT) * SLICE_ALIGNMENT / 4;
    const isVector = shape.length === 1;
    const [rate, decay] = [rateOf(name, isVector, grouping), decayOf(name, isVector, grouping)];
    const last = groups.at(-1);
    if (goesBy) {
      if (goesBy === "factors") requireFactor(name);
      groups.push({ from: offset / 4, numbers, rate, decay, matrix: matrixOf(place) });
    } else if (last?.rate === rate && last.decay === decay) {
      groups[groups.length - 1] = { ...last, numbers: last.numbers + numbers };
    } else groups.push({ from: offset / 4, numbers, rate, decay });
  }
  return groups;
}

/** @throws {ConfigError} for what is no factor of a linear module. */
function requireFactor(name: string): void {
  if (/\.lora_[AB]\.weight$/.test(name)) return;
  throw new ConfigError(
    `train.optimizer: found muon and ${name} trained, wanted the factors of LoRA's linear modules alone`,
  );
}

function matrixOf({ shape, used, layout }: Place): GroupMatrix {
  const sizes = ([rows = 1, columns = 1]: readonly number[]) => ({ rows, columns });
  return { ...sizes(shape), used: sizes(used), layout };
}

/** The module of a param, as an adapter or a checkpoint names it. */
const moduleOf = (param: string): string =>
  param.replace(
    /\.(lora_.*|ia3_l|vera_lambda_[bd]|adapter_(?:down|up)\..*|token_adapter\..*|weight|bias)$/,
    "",
  );

/** Whether a param is of (IA)^3, whose numbers PEFT has as a matrix of one column. */
const isIa3 = (param: string): boolean => param.endsWith(".ia3_l");

/**
 * Times the learning rate: with LoRA+ (Hayou et al., 2024, arXiv 2402.12354) B and vectors learn
 * faster, as in PEFT's `create_loraplus_optimizer`; of a table neither factor does. A rate of a
 * module's own is that of its A.
 */
function rateOf(name: string, isVector: boolean, grouping: Grouping): number {
  const { lr, lora_plus_ratio: ratio, lr_pattern } = grouping;
  const own = matching(moduleOf(name), lr_pattern);
  const isFaster = (isVector && !isIa3(name)) || name.endsWith(".lora_B.weight");
  return (own === undefined ? 1 : own / lr) * (isFaster ? ratio : 1);
}

/**
 * The vectors and biases of a model do not decay, as in transformers (`get_decay_parameter_names`); an
 * adapter's own params all do.
 */
function decayOf(name: string, isVector: boolean, grouping: Grouping): number {
  const own = matching(moduleOf(name), grouping.weight_decay_pattern);
  if (own !== undefined) return own;
  const isOwn = name.includes("lora_") || name.includes(".vera_lambda_") || isIa3(name);
  const isLeft = !isOwn && (isVector || name.includes("bias"));
  return isLeft ? 0 : grouping.weight_decay;
}
