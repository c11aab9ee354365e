/**
 * Overlap of texts by words and their order.
 *
 * @module
 */
export * from "npm:js-rouge@3.2.3";
