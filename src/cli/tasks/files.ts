/**
 * What `eval --tasks --out DIR` leaves behind.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import type { TaskScores } from "../../eval/tasks/report.ts";
import { appendText, exists, writeJson } from "../../io/files.ts";
import { makeFolder } from "../../io/folders.ts";
import type { Answered } from "../../inference/tasks/answer.ts";
import type { Model } from "../../models/model.ts";

/** A folder of predictions and scores. */
export class ResultFolder {
  readonly #predictions: string;

  /**
   * Makes the folder.
   *
   * @throws {ConfigError} where it has predictions already.
   */
  constructor(private readonly folder: string) {
    this.#predictions = join(folder, "predictions.jsonl");
    if (exists(this.#predictions)) {
      throw new ConfigError(`${folder}: found predictions of another time, wanted a new folder`);
    }
    makeFolder(folder);
  }

  /** Adds the answers of a model to a task, an object a line. */
  add(task: string, model: string, { tokenizer }: Model, answers: readonly Answered[]): void {
    const lines = answers.map(({ question, phrasing, output, ended, likelihoods, scores }) =>
      JSON.stringify({
        task,
        model,
        row: question.row,
        origin: question.content.origin,
        ...(phrasing !== "" && { phrasing }),
        prompt: tokenizer.decode([...question.prompt], { skipSpecial: false }),
        ...(output !== null && { output, ended }),
        references: question.references,
        ...(likelihoods && {
          choices: likelihoods.map((likelihood, i) => ({
            text: question.choices!.texts[i],
            ...likelihood,
          })),
        }),
        scores,
      })
    );
    appendText(this.#predictions, lines.map((line) => `${line}\n`).join(""));
  }

  /** Writes the scores. */
  finish(scores: { readonly tasks: readonly TaskScores[] } & Record<string, unknown>): void {
    writeJson(join(this.folder, "scores.json"), scores);
  }
}
