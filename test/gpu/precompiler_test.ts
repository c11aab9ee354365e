/** What a worker compiles is what the device looks for in the driver's cache. */
import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { filesIn } from "./cached_files.ts";

const PROGRAM = fileURLToPath(new URL("./precompile.ts", import.meta.url));

/** What a process leaves in a new cache of the driver; null where that is not llvmpipe. */
async function cached(mode: "record" | "replay", wanted: number): Promise<string[] | null> {
  const folder = Deno.makeTempDirSync({ prefix: "graft-kernels-" });
  try {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", PROGRAM, mode, folder, `${wanted}`],
      env: { MESA_SHADER_CACHE_DIR: folder },
    }).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    const adapter = new TextDecoder().decode(stdout);
    return adapter.includes("llvmpipe") ? filesIn(folder) : null;
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("a worker compiles what is recorded before it is replayed", async () => {
  const replayed = await cached("replay", 5);
  if (replayed === null) return;
  const recorded = await cached("record", replayed.length);
  assert.ok(replayed.length > 3, `${replayed}`);
  assert.deepEqual(recorded, replayed);
});
