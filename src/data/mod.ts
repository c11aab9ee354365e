/**
 * Contents of rows in, packed token batches out. Knows nothing of the engine.
 *
 * @module
 */

export { documentMaker, type Noted, readContents, readDocuments } from "./dataset/contents.ts";
export { dayOf, today } from "../jinja/strftime.ts";
export { chatTemplates } from "./templates/builtin.ts";
export { readChatFacts } from "./templates/chat_facts.ts";
export { ChatTemplate } from "./templates/chat_template.ts";
export * from "../rows/content.ts";
export * from "./dataset/documents.ts";
export * from "./tokenize/encode.ts";
export * from "./entry.ts";
export * from "./example.ts";
export * from "./tokenize/faults.ts";
export { formatNames } from "../rows/formats/mod.ts";
export { PAIRS, type Pairs } from "../rows/formats/ranked.ts";
export * from "./tokenize/row_tokenizer.ts";
export * from "./dataset/examples.ts";
export * from "./dataset/dataset.ts";
export type { LengthLimits, SourceLengths } from "./dataset/lengths.ts";
export type { TokenizerSource } from "./dataset/pool.ts";
export { type ProportionalSettings, proportionalShares, type Source } from "./batches/mixture.ts";
export * from "./tokenize/inspect.ts";
export { sideName, sidesOf } from "./tokenize/sides.ts";
export * from "./batches/pack.ts";
export * from "./tokenize/prompt.ts";
export * from "./dataset/requests.ts";
export type * from "../rows/prompts/mod.ts";
export * from "./dataset/split.ts";
export * from "./store/example_store.ts";
export * from "./batches/stream.ts";
export * from "./templates/prompt_template.ts";
export * from "./templates/setting.ts";
export type { FewShotSettings } from "../rows/prompts/few_shot.ts";
export type { ChainOfThoughtSettings, FormSettings } from "../rows/prompts/forms.ts";
