/**
 * Instances of a new instruction: whether it is a classification, the prompt that asks for examples,
 * and what must hold of them (identify_clf_or_not.py, generate_instances.py and
 * prepare_for_finetuning.py of yizhongw/self-instruct, from whose templates the examples are chosen;
 * Apache-2.0).
 *
 * @module
 */
import branchText from "../examples/branch.txt" with { type: "text" };
import classificationText from "../examples/classification.txt" with { type: "text" };
import generationText from "../examples/generation.txt" with { type: "text" };
import type { Sampling, Written } from "../writers/writer.ts";

/** Instances of an instruction that are kept. */
export const MOST_INSTANCES = 5;

/** What precedes every example, and the question. */
const TASK = "\n\nTask: ";

/** How it is asked whether an instruction is a classification. */
export const BRANCH_SAMPLING: Omit<Sampling, "seed"> = { maxTokens: 3, stop: ["\n", "Task"] };

/** Classification: the label comes first, so that labels are not all the same. */
export type Branch = "classification" | "generation";

/** How instances are drawn: the likeliest tokens. */
export const INSTANCE_SAMPLING: Readonly<Record<Branch, Omit<Sampling, "seed">>> = {
  classification: instanceSampling(300),
  generation: instanceSampling(350),
};

function instanceSampling(maxTokens: number): Omit<Sampling, "seed"> {
  return { maxTokens, presencePenalty: 1.5, stop: [`Example ${MOST_INSTANCES + 1}`, "Task:"] };
}

/** A prompt of examples: what it says, and the examples, of which the first are the last to go. */
interface Examples {
  readonly head: string;
  readonly list: readonly string[];
}

const examplesOf = (text: string): Examples => {
  const [head, ...list] = text.trimEnd().split(TASK);
  return { head: head!, list };
};

const BRANCH = examplesOf(branchText);
const INSTANCES: Readonly<Record<Branch, Examples>> = {
  classification: examplesOf(classificationText),
  generation: examplesOf(generationText),
};

/** How many examples prompts show. */
export interface Showing {
  /** The most examples. */
  readonly most: number;
  /** Whether a prompt with its answer has room. */
  readonly fits: (text: string, maxTokens: number) => boolean;
}

/** The prompt that asks whether an instruction is a classification. */
export const branchPrompt = (instruction: string, showing: Showing): string =>
  prompt(BRANCH, `${instruction}\nIs it classification?`, BRANCH_SAMPLING, showing);

/** Whether an answer to {@link branchPrompt} says so. */
export const branchOf = ({ text }: Written): Branch =>
  /^\s*yes\b/i.test(text) ? "classification" : "generation";

/** The prompt that asks for instances. */
export const instancesPrompt = (instruction: string, branch: Branch, showing: Showing): string =>
  prompt(INSTANCES[branch], `${instruction}\n`, INSTANCE_SAMPLING[branch], showing);

/** As many examples as fit, then the question. */
function prompt(
  { head, list }: Examples,
  question: string,
  { maxTokens }: Omit<Sampling, "seed">,
  { most, fits }: Showing,
): string {
  for (let count = Math.min(most, list.length);; count--) {
    const text = [head, ...list.slice(0, count), question].join(TASK);
    if (count === 0 || fits(text, maxTokens)) return text;
  }
}

/** An input with its output. */
export interface Instance {
  readonly input: string;
  readonly output: string;
}

/** An instance that was made, and why it is not kept, if it is not. */
export type MadeInstance = Instance & { readonly reason: string | null };

/** The instances of an answer, or why there are none. */
export function instancesIn(
  branch: Branch,
  written: Written,
): readonly MadeInstance[] | { readonly reason: string } {
  const found = branch === "classification" ? labelled(written.text) : inputsFirst(written.text);
  if (typeof found === "string") return { reason: found };
  return judged(found, !written.ended);
}

const OUTPUT = /Output\s*\d*\s*:/;
const INPUT = /Input\s*\d*\s*:/;
const EXAMPLE = /Example\s?\d*\.?/;

function inputsFirst(text: string): Instance[] | string {
  const whole = text.trim();
  if (EXAMPLE.test(whole)) {
    return whole.split(new RegExp(EXAMPLE, "g")).map((part) => part.trim())
      .filter((part) => part !== "").map(inputOutput);
  }
  return OUTPUT.test(whole) ? [inputOutput(whole)] : "found neither an example nor an output";
}

/** What follows further inputs belongs to another instance. */
function inputOutput(text: string): Instance {
  const [before, after] = text.split(OUTPUT);
  const [input, output] = after === undefined ? ["", text] : [before!, after];
  return {
    input: input.trim().replace(new RegExp(`^${INPUT.source}`), "").trim(),
    output: output.split(INPUT)[0]!.trim(),
  };
}

const LABEL = "Class label:";

function labelled(text: string): Instance[] | string {
  if (!text.includes(LABEL)) return "found no class label";
  return text.split(LABEL).slice(1).map((part) => {
    const [label = "", ...input] = part.trim().split("\n");
    return { input: input.join("\n").trim(), output: label.trim() };
  });
}

/** Why instances are dropped, in the order of the published code. */
function judged(instances: readonly Instance[], isCut: boolean): MadeInstance[] {
  const reasons = instances.map(({ input, output }, i): string | null => {
    if (isCut && i === instances.length - 1) return "cut off: its tokens ran out";
    if (output === "") return "an empty output";
    if (input === output) return "the output is the input";
    return input.endsWith(":") || output.endsWith(":") ? "ends with a colon" : null;
  });
  const kept = [...instances.keys()].filter((i) => reasons[i] === null);
  const isContrary = kept.some((i) =>
    kept.some((j) =>
      instances[i]!.input !== "" && instances[i]!.input === instances[j]!.input &&
      instances[i]!.output !== instances[j]!.output
    )
  );
  const seen = new Set<string>();
  for (const i of kept) {
    const { input, output } = instances[i]!;
    const text = JSON.stringify([input, output]);
    if (isContrary) reasons[i] = "one input has several outputs";
    else if (seen.has(text)) reasons[i] = "the same as an instance before";
    else if (seen.size >= MOST_INSTANCES) reasons[i] = `more than ${MOST_INSTANCES} instances`;
    seen.add(text);
  }
  return instances.map((instance, i) => ({ ...instance, reason: reasons[i]! }));
}
