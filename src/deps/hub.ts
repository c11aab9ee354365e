/**
 * The hub's API.
 *
 * @module
 */
export * from "npm:@huggingface/hub@2.17.5";
