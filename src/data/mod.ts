/**
 * Rows in, packed token batches out. Knows nothing of the engine.
 *
 * @module
 */

export { type Noted, readDocuments } from "./documents/contents.ts";
export { chatTemplates } from "./chat/builtin.ts";
export { readChatFacts } from "./chat/facts.ts";
export { ChatTemplate } from "./chat/template.ts";
export * from "./formats/content.ts";
export * from "./documents/documents.ts";
export * from "./encode/encode.ts";
export * from "./entry.ts";
export * from "./example.ts";
export * from "./encode/faults.ts";
export { formatNames } from "./formats/mod.ts";
export * from "./load/encoder.ts";
export * from "./load/examples.ts";
export * from "./load/on_the_fly.ts";
export type { EncoderSource } from "./workers/pool.ts";
export * from "./load/each.ts";
export { type ProportionalSettings, proportionalShares, type Source } from "./order/mixture.ts";
export * from "./encode/inspect.ts";
export * from "./order/pack.ts";
export { promptIds, type TargetMarks } from "./encode/pair.ts";
export type * from "./prompts/mod.ts";
export * from "./documents/split.ts";
export * from "./store/example_store.ts";
export * from "./order/stream.ts";
export * from "./documents/template.ts";
export type { FewShotSettings } from "./variants/few_shot.ts";
export type { ChainOfThoughtSettings, FormSettings } from "./variants/forms.ts";
