/**
 * Task files of Super-NaturalInstructions (allenai/natural-instructions): a definition, examples and
 * instances, encoded as Tk-Instruct does.
 *
 * @module
 */

import { type Content, instructionContent } from "../content.ts";
import { array, fieldFault, objects, own, type Row, text } from "../sources/row.ts";

/** The name of the format. */
export const SUPER_NATURAL = "super-natural-instructions";

/** Python's `string.punctuation`. */
const PUNCTUATION = /[!-/:-@[-`{-~]$/;

/**
 * One document an instance, its prompt as `src/ni_collator.py` of yizhongw/Tk-Instruct builds it:
 * the definition, the first positive examples without their explanations, the input. An example that
 * is too long is left out with those after it. Of several outputs, the first is learnt.
 */
export function readTask(task: Row, positiveExamples: number): Content[] {
  const [definition = ""] = texts(task, "Definition");
  const examples = positiveExamples === 0 ? [] : objects(task, "Positive Examples");
  const shown = examples.slice(0, positiveExamples).map((example, i) =>
    ` Positive Example ${i + 1} -\n${closed(`Input: ${text(example, "input").trim()}`)}\n` +
    `${closed(` Output: ${texts(example, "output")[0]!.trim()}`)}\n\n`
  );
  const head = (count: number) =>
    `${closed(`Definition: ${definition.trim()}`)}\n\n${shown.slice(0, count).join("")}`;
  return objects(task, "Instances").map((instance) => {
    const input = closed(`Input: ${text(instance, "input").trim()}`);
    const outputs = texts(instance, "output");
    const asked = (count: number) =>
      `${head(count)}Now complete the following example -\n${input}\nOutput: `;
    const fewer = shown.map((_, i) => asked(shown.length - 1 - i));
    return instructionContent(instance.origin, {
      instruction: asked(shown.length),
      ...(fewer.length > 0 && { fewer }),
      answer: outputs[0]!,
      field: "output",
      ...(outputs.length > 1 && { references: outputs }),
    });
  });
}

/** With a full stop where it ends in no punctuation. */
function closed(line: string): string {
  return PUNCTUATION.test(line) ? line : `${line}.`;
}

/** A field that is a string, or a list with at least one. */
function texts(row: Row, field: string): string[] {
  if (!Array.isArray(own(row.fields, field))) return [text(row, field)];
  const values = array(row, field);
  if (values.length === 0) throw fieldFault(row, field, "a string, or a list of strings");
  return values.map((value) => text({ fields: { [field]: value }, origin: row.origin }, field));
}
