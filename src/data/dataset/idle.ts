/**
 * Keys of a source that nothing in its rows heeds: a value that was set is refused there, rather than
 * accepted and ignored.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Content } from "../../rows/content.ts";
import { type DataEntry, describePath, POSITIVE_EXAMPLES, TRAIN_ON } from "../entry.ts";

/** What the rows of a source are. */
export interface Kinds {
  /** Kinds of contents, those of preferences too. */
  readonly contents: ReadonlySet<Content["kind"]>;
  /** Whether one is a task of Super-NaturalInstructions. */
  readonly hasTasks: boolean;
  /** Whether one has graded answers. */
  readonly hasGrades: boolean;
}

/** The kinds that a content is of. */
export function kindsOf(content: Content): Content["kind"][] {
  if (content.kind !== "preference") return [content.kind];
  return [content.kind, ...content.answers.flatMap(kindsOf)];
}

/** @throws {ConfigError} where a key of the entry has had no effect on any of its rows. */
export function refuseIdle(entry: DataEntry, { contents, hasTasks, hasGrades }: Kinds): void {
  const { eos = false, train_on, template, positive_examples: shown, pairs, path } = entry;
  if (contents.size === 0) return; // which is a fault of its own
  const none = (...kinds: Content["kind"][]) => kinds.every((kind) => !contents.has(kind));
  const idle: [key: string, value: unknown, isIdle: boolean, wanted: string][] = [
    ["eos", eos, eos && none("text"), "text documents"],
    ["train_on", train_on, (train_on ?? TRAIN_ON[0]) !== TRAIN_ON[0] && none("chat"), "chats"],
    ["template", template, template !== undefined && none("chat", "instruction"), "a question"],
    ["pairs", pairs, pairs !== undefined && !hasGrades, "graded answers"],
    [
      "positive_examples",
      shown,
      (shown ?? POSITIVE_EXAMPLES) !== POSITIVE_EXAMPLES && !hasTasks,
      "tasks of Super-NaturalInstructions",
    ],
  ];
  const found = idle.find(([, , isIdle]) => isIdle);
  if (!found) return;
  const [key, value, , wanted] = found;
  throw new ConfigError(
    `${describePath(path)}: found ${key} ${JSON.stringify(value)} for rows of kind ` +
      `${[...contents].join(", ")}, where it has no effect, wanted rows of ${wanted}, or no ${key}`,
  );
}
