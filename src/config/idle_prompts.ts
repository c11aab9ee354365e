/**
 * What is refused beside virtual tokens.
 *
 * @module
 */
import { isPromptMethod } from "../adapters/prompts/mod.ts";
import type { ConfigFault } from "./faults.ts";
import type { Config } from "./table.ts";

/** What is not built for virtual tokens, which the base alone cannot read. */
export function promptFaults(
  { adapter: { method }, guard, objective: { kind } }: Config,
): ConfigFault[] {
  if (!isPromptMethod(method)) return [];
  const beside = `beside adapter.method ${method}`;
  return [
    ...(guard
      ? [{
        key: "guard",
        message: `found one ${beside}, whose tokens have no strength to lower, wanted false`,
      }]
      : []),
    ...(kind === "sft"
      ? []
      : [{ key: "objective.kind", message: `found ${kind} ${beside}, wanted sft` }]),
  ];
}
