/** Placeholder until generate/ lands. */
import type { Config } from "../train/config.ts";
export function showSamples(_config: Config, _adapter: string): Promise<void> {
  return Promise.resolve();
}
