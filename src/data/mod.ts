/**
 * Rows in, packed token batches out. Knows nothing of the engine.
 *
 * @module
 */

export { type Noted, readDocuments } from "./contents.ts";
export { chatTemplates } from "./chat/builtin.ts";
export { readChatFacts } from "./chat/facts.ts";
export { ChatTemplate } from "./chat/template.ts";
export * from "./formats/content.ts";
export * from "./documents.ts";
export * from "./encode.ts";
export * from "./entry.ts";
export * from "./example.ts";
export * from "./faults.ts";
export { formatNames } from "./formats/mod.ts";
export * from "./load/encoder.ts";
export * from "./load/examples.ts";
export * from "./load/workers.ts";
export { type ProportionalSettings, proportionalShares, type Source } from "./order/mixture.ts";
export * from "./inspect.ts";
export * from "./order/pack.ts";
export { promptIds, type TargetMarks } from "./pair.ts";
export type * from "./prompts/mod.ts";
export * from "./quality/near_duplicates.ts";
export * from "./split.ts";
export * from "./order/store.ts";
export * from "./order/stream.ts";
export * from "./template.ts";
export type { FewShotSettings } from "./variants/few_shot.ts";
export type { ChainOfThoughtSettings, FormSettings } from "./variants/forms.ts";
