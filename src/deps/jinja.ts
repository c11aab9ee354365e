/**
 * Chat templates and prompt templates.
 *
 * @module
 */
export * from "npm:@huggingface/jinja@0.5.11";
