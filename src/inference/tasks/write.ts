/**
 * Opens what writes the answers of tasks.
 *
 * @module
 */
import type { EncodedTask } from "../../eval/tasks/encode.ts";
import { writesTexts } from "../../eval/tasks/task.ts";
import type { Adapt } from "../../models/layers/adapt.ts";
import type { Engine } from "../../graph/compile.ts";
import type { Planned } from "../../graph/planned.ts";
import type { Model } from "../../models/model.ts";
import { tell } from "../../progress.ts";
import { BatchGenerator, type Continuation } from "../batch.ts";
import { Generator } from "../generator.ts";
import type { Write } from "./answer.ts";

/** A model, with an adapter or without. */
export interface Answerer {
  readonly engine: Engine;
  readonly model: Model;
  readonly adapt: Adapt | undefined;
  /** Whether every tensor is trained, and so lies with the params; no by default. */
  readonly full?: boolean;
}

/** Tokens that prompts and answers need, and how many are asked at a time at most. */
export interface WritingSizes {
  readonly context: number;
  readonly slots: number;
}

/** What tasks need of a cache; null where none is written. */
export function writingSizes(
  { config, hasEncoder }: Pick<Model, "config" | "hasEncoder">,
  tasks: readonly EncodedTask[],
): WritingSizes | null {
  const written = tasks.filter(({ task }) => writesTexts(task));
  if (written.length === 0) return null;
  const lengths = written.flatMap(({ task, phrasings }) =>
    phrasings.flatMap(({ questions }) =>
      questions.map(({ prompt: { length } }) =>
        hasEncoder ? Math.max(length, task.maxTokens + 1) : length + task.maxTokens
      )
    )
  );
  const counts = written.map(({ phrasings }) =>
    phrasings.reduce((sum, { questions }) => sum + questions.length, 0)
  );
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  return { context: Math.min(config.context, longest), slots: Math.max(...counts) };
}

/** A batch generator for answers, and what it takes. */
export function planWriting(answerer: Answerer, sizes: WritingSizes): Planned<BatchGenerator> {
  const { engine, model, adapt, full = false } = answerer;
  return BatchGenerator.plan(engine, model, { ...sizes, adapt, full });
}

/** What writes answers, and frees it. */
export interface Writing extends Disposable {
  readonly write: Write;
}

/** Opens a batch generator; where an encoder reads prompts, one that reads them in turn. */
export async function openWriting(answerer: Answerer, sizes: WritingSizes): Promise<Writing> {
  const { engine, model, adapt } = answerer;
  if (model.hasEncoder) {
    const generator = await Generator.open(engine, model, { context: sizes.context, adapt });
    return {
      write: (...asked) => writeInTurn(generator, ...asked),
      [Symbol.dispose]: () => generator[Symbol.dispose](),
    };
  }
  const batch = await planWriting(answerer, sizes).open();
  return {
    write: (prompts, options) => batch.generate(prompts, options),
    [Symbol.dispose]: () => batch[Symbol.dispose](),
  };
}

async function writeInTurn(
  generator: Generator,
  ...[prompts, options]: Parameters<Write>
): Promise<Continuation[]> {
  const found: Continuation[] = [];
  for (const prompt of prompts) {
    const ids = await Array.fromAsync(generator.generate(prompt, options));
    const ranOut = ids.length >= (options.maxTokens ?? Infinity);
    found.push({ ids, end: ranOut ? null : options.stop?.[0] ?? null });
    tell("answers", found.length, prompts.length);
  }
  return found;
}
