/**
 * Whether an answer is JSON of a schema.
 *
 * @module
 */
import { Ajv2020, draft7 } from "../deps/ajv.ts";
import { ConfigError } from "../errors.ts";
import { readJsonObject } from "../io/files.ts";
import { isTooDeep } from "../io/json.ts";
import { findAll } from "../io/pattern.ts";
import { inTag } from "./metric.ts";
import { plainReward, type Reward } from "./reward.ts";
import type { JsonSchemaReward } from "./settings.ts";

/**
 * 1 where an answer, or what a tag of it holds, is JSON of the schema (draft 2020-12, or 7 where it
 * says so), else 0.
 *
 * @throws {ConfigError} where it is no schema, or has a keyword or a format that nobody would heed.
 */
export function jsonSchemaReward({ schema, within }: JsonSchemaReward): Reward {
  const validate = validatorOf(schema);
  return plainReward("json_schema", ({ completion }) => {
    const judged = within === undefined ? completion : inTag(completion, within);
    if (judged === null || isTooDeep(judged)) return 0;
    let value: unknown;
    try {
      value = JSON.parse(judged);
    } catch {
      return 0;
    }
    return validate(value) ? 1 : 0;
  });
}

function validatorOf(path: string): (value: unknown) => boolean {
  const schema = readJsonObject(path);
  const ajv = new Ajv2020({
    ...{ strict: true, strictTypes: false, strictTuples: false, strictRequired: false },
    logger: false,
    code: { regExp: patterns },
  });
  ajv.addMetaSchema(draft7);
  try {
    return ajv.compile(schema);
  } catch (fault) {
    throw new ConfigError(
      `${path}: found no JSON Schema that can be used (${(fault as Error).message})`,
    );
  }
}

/** Patterns that end, whatever they are tried on. They are told apart by their words. */
const patterns = Object.assign((source: string, flags: string) => {
  const words = String(new RegExp(source, flags));
  return {
    test: (text: string) => findAll(source, text).length > 0,
    toString: () => words,
  };
}, { code: "" });
