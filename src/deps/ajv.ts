/**
 * JSON Schema.
 *
 * @module
 */
export { Ajv2020 } from "npm:ajv@8.20.0/dist/2020.js";
export { default as draft7 } from "npm:ajv@8.20.0/dist/refs/json-schema-draft-07.json" with {
  type: "json",
};
