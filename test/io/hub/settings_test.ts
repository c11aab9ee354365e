import assert from "node:assert/strict";
import { homedir } from "node:os";
import { join } from "node:path";
import { hubSettings } from "../../../src/io/hub/mod.ts";
import { withFolder } from "../helpers.ts";

/** A home without a token, so that the developer's own is never seen. */
const NOWHERE = { HF_HOME: "/nowhere" };

Deno.test("hubSettings() has the defaults of huggingface_hub", () => {
  const settings = hubSettings({ HF_TOKEN_PATH: "/nowhere/token" });
  assert.deepEqual(settings, {
    endpoint: "https://huggingface.co",
    token: undefined,
    offline: false,
    cache: join(homedir(), ".cache/huggingface/hub"),
    patience: 10_000,
  });
});

Deno.test("hubSettings() finds the cache where huggingface_hub has it", () => {
  const cacheOf = (env: Record<string, string>) =>
    hubSettings({ HF_TOKEN_PATH: "/nowhere", ...env }).cache;
  assert.equal(cacheOf({ XDG_CACHE_HOME: "/x" }), "/x/huggingface/hub");
  assert.equal(cacheOf({ XDG_CACHE_HOME: "/x", HF_HOME: "/h" }), "/h/hub");
  assert.equal(cacheOf({ HF_HOME: "~/h" }), join(homedir(), "h/hub"));
  assert.equal(cacheOf({ HF_HOME: "/h", HUGGINGFACE_HUB_CACHE: "/old" }), "/old");
  assert.equal(cacheOf({ HUGGINGFACE_HUB_CACHE: "/old", HF_HUB_CACHE: "/new" }), "/new");
});

Deno.test("hubSettings() finds the token where huggingface_hub has it", () =>
  withFolder((folder) => {
    Deno.writeTextFileSync(join(folder, "token"), "hf_file\n");
    Deno.writeTextFileSync(join(folder, "other"), "hf_other\n");
    const tokenOf = (env: Record<string, string>) => hubSettings({ HF_HOME: folder, ...env }).token;
    assert.equal(tokenOf({}), "hf_file");
    assert.equal(tokenOf({ HF_TOKEN_PATH: join(folder, "other") }), "hf_other");
    assert.equal(tokenOf({ HF_TOKEN: " hf_env\n" }), "hf_env");
    assert.equal(tokenOf({ HF_TOKEN: "" }), "hf_file");
    assert.equal(tokenOf({ HF_HUB_DISABLE_IMPLICIT_TOKEN: "1" }), undefined);
    assert.equal(hubSettings(NOWHERE).token, undefined);
  }));

Deno.test("hubSettings() reads what is on, and refuses what makes no sense", () => {
  for (const yes of ["1", "on", "YES", "true"]) {
    assert.ok(hubSettings({ ...NOWHERE, HF_HUB_OFFLINE: yes }).offline, yes);
    assert.ok(hubSettings({ ...NOWHERE, TRANSFORMERS_OFFLINE: yes }).offline, yes);
  }
  for (const no of ["", "0", "off"]) {
    assert.ok(!hubSettings({ ...NOWHERE, HF_HUB_OFFLINE: no }).offline, no);
  }
  assert.equal(
    hubSettings({ ...NOWHERE, HF_ENDPOINT: "http://mirror:8080/" }).endpoint,
    "http://mirror:8080",
  );
  const refuses = (env: Record<string, string>, message: RegExp) =>
    assert.throws(() => hubSettings({ ...NOWHERE, ...env }), { name: "ConfigError", message });
  refuses({ HF_ENDPOINT: "mirror" }, /^HF_ENDPOINT is "mirror", wanted an address/);
  refuses(
    { HF_HUB_DOWNLOAD_TIMEOUT: "soon" },
    /^HF_HUB_DOWNLOAD_TIMEOUT is "soon", wanted seconds/,
  );
});
