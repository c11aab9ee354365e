/**
 * Folders that say in `config.json` that their matrices are stored in fewer bits, by who made them.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import type { Checkpoint } from "../../io/checkpoint.ts";
import { bitsandbytes } from "./bitsandbytes.ts";
import { awq, gptq } from "./gptq.ts";
import { isMlx, mlx } from "./mlx.ts";
import { fieldsOf, type Packed, PackedCheckpoint } from "./packed.ts";

/** What reads a folder, by its `quant_method`. */
const METHODS: Readonly<Record<string, (inner: Checkpoint) => Packed>> = {
  bitsandbytes,
  gptq,
  awq,
};

/**
 * The folder as it is, or with its matrices whole; taken over and closed where it throws.
 *
 * @throws {FileError} where it is stored in a way that is not built, or in two.
 */
export function unpacked(checkpoint: Checkpoint): Checkpoint {
  const { config, folder } = checkpoint;
  const method = fieldsOf(config["quantization_config"])["quant_method"];
  try {
    if (isMlx(checkpoint) && method === undefined) return new PackedCheckpoint(checkpoint, mlx);
    if (method === undefined) return checkpoint;
    const known = [...Object.keys(METHODS), "mlx's quantization"].join(", ");
    if (isMlx(checkpoint)) {
      throw new FileError(`${folder}: found mlx's quantization and ${method}, wanted one of them`);
    }
    const find = Object.hasOwn(METHODS, String(method)) ? METHODS[String(method)] : undefined;
    if (find) return new PackedCheckpoint(checkpoint, find);
    throw new FileError(`${folder}: found weights in ${method}, wanted one of ${known}`);
  } catch (fault) {
    checkpoint.close();
    throw fault;
  }
}
