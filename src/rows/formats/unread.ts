/**
 * Fields that say what is learnt, by the names that they have in files of chats, and fields that
 * nothing reads.
 *
 * @module
 */

import { fault, own, type Row } from "../sources/row.ts";

/**
 * Names of a weight in the loss: `weight` in OpenAI's fine-tuning files, `train` in Axolotl's,
 * `trainable` and `loss_weight` in others, `loss_mask` (1 = learnt) in those of slime and verl.
 */
export const LOSS_FIELDS: readonly string[] = [
  "weight",
  "train",
  "trainable",
  "loss_weight",
  "loss_mask",
];

/**
 * Whether the loss is to see a turn; it is where no field says otherwise.
 *
 * @throws {FileError} for a weight that is neither all nor nothing.
 */
export function isLearntTurn(turn: Row): boolean {
  return LOSS_FIELDS.every((field) => {
    const value = own(turn.fields, field) ?? 1;
    if (isNothing(value) || isAll(value)) return isAll(value);
    throw fault(turn, `the ${field} ${JSON.stringify(value)}`, "0 or 1");
  });
}

/** Whether a row says that it is not to be learnt. */
export function isLeftOut({ fields }: Row): boolean {
  return LOSS_FIELDS.some((field) => isNothing(own(fields, field)));
}

const isNothing = (value: unknown): boolean => value === 0 || value === false;
const isAll = (value: unknown): boolean => value === 1 || value === true;

/** The fields of a row that hold something, but for those that are read. */
export function unreadFields({ fields }: Row, read: readonly string[]): string[] {
  return Object.keys(fields).filter((field) => {
    const value = fields[field];
    if (read.includes(field) || isBlank(value)) return false;
    return !LOSS_FIELDS.includes(field) || !(isAll(value) || isNothing(value));
  });
}

/** What says nothing: null, an empty text, list or object. */
function isBlank(value: unknown): boolean {
  if (value === null || value === undefined || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
