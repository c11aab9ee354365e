/**
 * Tokens that are trained by themselves, as PEFT's files have them (`trainable_token_indices`).
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { SafetensorsFile, TensorInfo } from "../../io/safetensors/safetensors.ts";
import type { TokenRows } from "./adapter.ts";
import { names } from "./targets.ts";

/** Ids, of the embedding and of a head that is tied to it; or by the ends of modules' names. */
export type TokenIds = readonly number[] | Readonly<Record<string, readonly number[]>>;

/** The name behind that of a module which PEFT gives the rows. */
export const TOKEN_TENSOR = "token_adapter.trainable_tokens_delta";

/** A config that may name such tokens. */
interface WithTokens {
  readonly trainable_token_indices?: TokenIds | null;
}

/** The ends of modules' names with their tokens; "" where a list alone is of the embedding. */
function listsOf({ trainable_token_indices: asked }: WithTokens) {
  const lists = Array.isArray(asked) ? { "": asked } : asked ?? {};
  return Object.entries(lists as Readonly<Record<string, readonly number[]>>)
    .filter(([, ids]) => ids.length > 0);
}

const isOf = (end: string, module: string) => end === "" || names([end], module);

/**
 * The rows of a tensor.
 *
 * @throws {FileError} where the config does not say of which tokens they are.
 */
export function tokenRows(
  file: SafetensorsFile,
  tensor: TensorInfo,
  { name, config, numbers }: {
    readonly name: string;
    readonly config: WithTokens;
    readonly numbers: Float32Array;
  },
): TokenRows {
  const module = name.slice(0, -TOKEN_TENSOR.length - 1);
  const ids = listsOf(config).find(([end]) => isOf(end, module))?.[1];
  const { shape } = tensor;
  if (ids && shape.length === 2 && shape[0] === ids.length) return { module, ids, numbers };
  throw new FileError(
    `Cannot use ${file.path}: tensor "${tensor.name}" has shape [${shape}], wanted a row for each of ` +
      `the ${ids?.length ?? 0} tokens that trainable_token_indices has for it`,
  );
}

/** @throws {FileError} where the file lacks rows that the config names. */
export function requireTokens(
  file: SafetensorsFile,
  found: readonly TokenRows[],
  config: WithTokens,
): void {
  const missing = listsOf(config).find(([end]) => !found.some(({ module }) => isOf(end, module)));
  if (!missing) return;
  throw new FileError(
    `Cannot use ${file.path}: it lacks the ${TOKEN_TENSOR} of ${missing[0] || "the embedding"}, ` +
      "which trainable_token_indices names",
  );
}
