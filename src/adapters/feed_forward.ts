/**
 * The modules whose inputs (IA)^3 scales, rather than their outputs.
 *
 * @module
 */
import { unmatched } from "./choose.ts";
import { type Names, names } from "./peft/targets.ts";

/** The last linear modules of feed-forward layers, as the families call them (PEFT's list). */
export const FEED_FORWARD: readonly string[] = ["down_proj", "mlp.c_proj", "dense_4h_to_h", "wo"];

/**
 * Whether a module is one of them: by its name or an end of it, or a pattern.
 *
 * @throws {ConfigError} where a name is that of none of the modules.
 */
export function feedForwardOf(
  modules: readonly string[],
  given: Names | undefined,
): (module: string) => boolean {
  const each = typeof given === "string" ? [given] : (given ?? []).map((name) => [name]);
  for (const one of each) {
    if (!modules.some((module) => names(one, module))) {
      throw unmatched("feedforward_modules", one, modules);
    }
  }
  return (module) => names(given ?? FEED_FORWARD, module);
}
