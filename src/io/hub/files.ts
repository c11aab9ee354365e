/**
 * Which files of a repository are needed: what a model or an adapter is read from, never pickles.
 *
 * @module
 */
import { FileError } from "../../errors.ts";
import { COPIED_FILES, INDEX_FILE, WEIGHTS_FILE } from "../checkpoint_writer.ts";
import { additionalTemplate, TOOL_TEMPLATE } from "../model_files.ts";

/** What a repository is used as. */
export type RepoKind = "model" | "adapter";

/** The files that are read of a repository. */
interface NeededFiles {
  /** What it must have beside its weights. */
  readonly required: readonly string[];
  /** What is taken where it is there. */
  readonly optional: readonly string[];
  /** The weights, or the index of their shards: the first that is there. */
  readonly weights: readonly string[];
}

/** The files of each kind. */
export const NEEDED: Readonly<Record<RepoKind, NeededFiles>> = {
  model: {
    required: ["config.json", "tokenizer.json"],
    optional: [...COPIED_FILES.filter((file) => file !== "tokenizer.json"), TOOL_TEMPLATE],
    weights: [WEIGHTS_FILE, INDEX_FILE],
  },
  adapter: {
    required: ["adapter_config.json"],
    optional: [],
    weights: ["adapter_model.safetensors", "adapter.safetensors"],
  },
};

/** Weights that Python unpickles, which can run any code. */
const PICKLE = /\.(bin|pt|pth|ckpt|pkl)$/;

/**
 * The files to fetch of a repository that has `paths`; the last is its weights or their index.
 *
 * @throws {FileError} where it lacks one that is required, or has no safetensors.
 */
export function filesToFetch(kind: RepoKind, repo: string, paths: ReadonlySet<string>): string[] {
  const { required, optional, weights } = NEEDED[kind];
  const fault = (reason: string) =>
    new FileError(
      `Cannot use ${repo} as ${kind === "model" ? "a model" : "an adapter"}: ${reason}`,
    );
  const missing = required.find((file) => !paths.has(file));
  if (missing !== undefined) {
    const isAdapter = kind === "model" && paths.has("adapter_config.json");
    throw fault(`it has no ${missing}${isAdapter ? ", it is an adapter" : ""}`);
  }
  const entry = weights.find((file) => paths.has(file));
  if (entry !== undefined) {
    const templates = [...paths].filter((path) =>
      kind === "model" && additionalTemplate(path) !== undefined && !optional.includes(path)
    );
    return [...required, ...optional.filter((f) => paths.has(f)), ...templates.sort(), entry];
  }
  const pickle = [...paths].find((path) => PICKLE.test(path));
  throw fault(
    pickle === undefined
      ? `it has no ${weights.join(" and no ")}`
      : `it has only pickled weights (${pickle}), which can run any code when they are opened, ` +
        "wanted safetensors",
  );
}
