/**
 * The YAML of tasks of lm-evaluation-harness (EleutherAI): what of it is data alone.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { ScalarTag } from "../../../deps/yaml.ts";
import { ConfigError } from "../../../errors.ts";
import { didYouMean } from "../../../io/nearest.ts";
import { readYamlObject } from "../../../io/yaml.ts";

/** The fields of a task. */
export type TaskFields = Readonly<Record<string, unknown>>;

/** Fields that say what is asked and how it is scored. */
const READ = [
  ...["task", "output_type", "doc_to_text", "doc_to_target", "doc_to_choice", "description"],
  ...["target_delimiter", "fewshot_delimiter", "num_fewshot", "generation_kwargs"],
  ...["metric_list", "filter_list", "dataset_path", "dataset_kwargs"],
  ...["test_split", "validation_split", "training_split", "fewshot_split"],
] as const;
/** Fields that change nothing of that. */
const PASSED = [
  ...["group", "tag", "task_alias", "dataset_name", "metadata", "should_decontaminate"],
  ...["doc_to_decontamination_query", "repeats", "include", "unsafe_code"],
] as const;

/** A field that names a function of Python. */
class PythonFunction {
  constructor(readonly name: string) {}
}

const FUNCTION: ScalarTag = { tag: "!function", resolve: (name) => new PythonFunction(name) };

/** The object that a YAML file holds; a field that is Python is no object of ours. */
export const readTaskYaml = (path: string): Record<string, unknown> =>
  readYamlObject(path, { wanted: "a task or a list of tasks", tags: [FUNCTION] });

/**
 * The fields of a task, those of the file that it includes beneath them.
 *
 * @throws {FileError} where a file is no YAML.
 * @throws {ConfigError} for Python, a field that is not known, or another kind of output.
 */
export function readTaskFields(path: string, including: readonly string[] = []): TaskFields {
  if (including.includes(path)) throw new ConfigError(`${path}: found a file that includes itself`);
  const own = readTaskYaml(path);
  for (const [key, value] of Object.entries(own)) refuseField(path, key, value);
  const { include } = own;
  if (typeof include !== "string") return checkOutput(path, own, including);
  const beneath = readTaskFields(resolve(dirname(path), include), [...including, path]);
  return checkOutput(path, { ...beneath, ...own }, including);
}

function refuseField(path: string, key: string, value: unknown): void {
  const python = pythonIn(value);
  if (python !== null) {
    throw new ConfigError(
      `${path}: found ${key}: !function ${python}, which is Python, wanted a task of data alone`,
    );
  }
  const known: readonly string[] = [...READ, ...PASSED];
  if (known.includes(key)) return;
  const near = didYouMean(key, known);
  throw new ConfigError(`${path}: found the field ${key}, wanted one of ${READ.join(", ")}${near}`);
}

function pythonIn(value: unknown): string | null {
  if (value instanceof PythonFunction) return value.name;
  if (typeof value !== "object" || value === null) return null;
  return Object.values(value).map(pythonIn).find((name) => name !== null) ?? null;
}

/** A file that another includes need not be whole. */
function checkOutput(path: string, fields: TaskFields, including: readonly string[]): TaskFields {
  const kind = fields["output_type"] ?? "generate_until";
  if (including.length > 0 || kind === "multiple_choice" || kind === "generate_until") {
    return fields;
  }
  const wanted = "multiple_choice or generate_until";
  throw new ConfigError(`${path}: found output_type ${JSON.stringify(kind)}, wanted ${wanted}`);
}
