import assert from "node:assert/strict";
import { join } from "node:path";
import { mergeAdapter } from "../../src/adapters/merge.ts";
import { readPeft, writePeft } from "../../src/adapters/peft/folder.ts";
import { FileError } from "../../src/errors.ts";
import { proveMerge } from "../../src/inference/prove_merge.ts";
import { readJsonObject, writeJson } from "../../src/io/files.ts";
import { engine } from "../harness.ts";
import { withTiny, writeTinyAdapter } from "../models/tiny.ts";

for (const dtype of ["F32", "BF16"] as const) {
  Deno.test(`a ${dtype} merge is proven, and one that computes anything else is not`, () =>
    withTiny({ dtype }, async (base) => {
      const { device } = await engine();
      const adapter = join(base, "adapter");
      const merged = join(base, "merged");
      writeTinyAdapter(adapter, base);
      mergeAdapter(base, adapter, merged);
      const { largest, words } = await proveMerge(device, { base, adapter, merged });
      assert.ok(largest > 0);
      assert.match(words, new RegExp(`is due to ${dtype}$`, "i"));

      const refuses = (wrong: { adapter: string; merged: string }) =>
        assert.rejects(proveMerge(device, { base, ...wrong }), (fault: Error) => {
          return fault instanceof FileError && fault.message.startsWith("Cannot trust");
        });
      await refuses({ adapter, merged: base });
      const stronger = join(base, "stronger");
      const weights = readPeft(adapter);
      const modules = weights.modules.map((m) => ({ ...m, b: m.b.map((x) => 1.1 * x) }));
      writePeft(stronger, { ...weights, modules });
      await refuses({ adapter: stronger, merged });
      const config = join(merged, "config.json");
      writeJson(config, { ...readJsonObject(config), rope_theta: 90 });
      await refuses({ adapter, merged });
    }));
}
