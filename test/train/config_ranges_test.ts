import assert from "node:assert/strict";
import { parseConfig } from "../../src/config/mod.ts";

const NEEDED = { model: "base", data: "rows.jsonl" };

/** The lines of the error that flags are refused with. */
function faultsOf(flags: Record<string, string>): string[] {
  try {
    parseConfig({ flags });
  } catch (fault) {
    return (fault as Error).message.split("\n");
  }
  return [];
}

Deno.test("parseConfig() refuses finite numbers that f32 cannot compute with", () => {
  const keys = { "train.lr": "1e300", "train.clip": "1e300", "train.eps": "1e-300" };
  const more = { "train.weight_decay": "1e31", "adapter.alpha": "1e40" };
  assert.deepEqual(faultsOf({ ...NEEDED, ...keys, ...more }).sort(), [
    "--adapter.alpha: found 1e+40, wanted at most 1e+30",
    "--train.clip: found 1e+300, wanted at most 1e+30",
    "--train.eps: found 1e-300, wanted a number of at least 1e-30 and of at most 1",
    "--train.lr: found 1e+300, wanted at most 1e+30",
    "--train.weight_decay: found 1e+31, wanted at most 1e+30",
  ]);
  assert.match(String(faultsOf({ ...NEEDED, "train.eps": "-5" })), /train.eps: found -5/);
});
