/**
 * Tokenizers as `tokenizer.json` describes them.
 *
 * @module
 */
export * from "npm:@huggingface/tokenizers@0.2.0";
