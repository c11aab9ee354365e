/**
 * Configs in JSON with comments.
 *
 * @module
 */
export * from "npm:jsonc-parser@3.3.1";
