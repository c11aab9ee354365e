/** Commands beside a fake hub. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { main } from "../../src/cli/commands.ts";
import { World } from "../io/hub/world.ts";
import { Toy } from "../train/toy.ts";
import { capture, withEnv } from "./capture.ts";

/** The token of the environment. */
export const TOKEN = "hf_secret";

/** Runs `action` where the environment names a fake hub and an empty cache. */
export async function withHub(action: (world: World, toy: Toy) => Promise<void>): Promise<void> {
  await using world = new World();
  using toy = new Toy();
  const env = {
    HF_ENDPOINT: world.hub.endpoint,
    HF_HUB_CACHE: join(world.folder, "cache"),
    HF_HUB_DOWNLOAD_TIMEOUT: "2",
    HF_HUB_OFFLINE: "0",
    HF_TOKEN: TOKEN,
  };
  await withEnv(env, () => action(world, toy));
}

/** What a command printed that must succeed. */
export async function succeeds(...args: string[]) {
  const found = await capture(main, ...args);
  assert.equal(found.code, 0, found.stderr);
  return found;
}
