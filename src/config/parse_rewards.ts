/**
 * Reads rewards that stand alone.
 *
 * @module
 */
import { z } from "../deps/zod.ts";
import { ConfigError } from "../errors.ts";
import type { RewardConfig } from "../rewards/settings.ts";
import { configFaults } from "./faults.ts";
import { prepare, type SchemaNode } from "./keys.ts";
import { rewardsSchema } from "./rewards.ts";

const holder = z.strictObject({ rewards: rewardsSchema });
const holderNode = z.toJSONSchema(holder, { io: "input" }) as SchemaNode;

/**
 * Rewards that stand alone, in no configuration; paths in them are relative to `folder`.
 *
 * @throws {ConfigError} With one line for each fault.
 */
export function parseRewards(rewards: unknown, folder: string): readonly RewardConfig[] {
  const values = prepare({ rewards }, folder, holderNode);
  const result = holder.safeParse(values);
  if (result.success) return result.data.rewards;
  const faults = configFaults(values, result.error.issues, holderNode);
  throw new ConfigError(faults.map(({ key, message }) => `${key}: ${message}`).join("\n"));
}
