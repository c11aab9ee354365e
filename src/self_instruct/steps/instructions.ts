/**
 * New instructions: the prompt that asks for them, and what must hold of them (Wang et al., 2022, arXiv
 * 2212.10560; bootstrap_instructions.py of yizhongw/self-instruct).
 *
 * @module
 */
import { type Bag, bagOf, nearest } from "../../curate/diversity/rouge.ts";
import { words } from "../../curate/words.ts";
import { permutation } from "../../random.ts";
import { SHOWN } from "../seeds.ts";
import type { Sampling, Written } from "../writers/writer.ts";

/** Made instructions of a prompt, once there are so many. */
const MADE_SHOWN = 2;
/** A ROUGE-L from which on an instruction is as good as one that is there. */
export const TOO_NEAR = 0.7;
/** Words of an instruction. */
const [FEWEST_WORDS, MOST_WORDS] = [4, 150];
/** What a model of text cannot do or look at. */
const KEYWORDS = /\b(?:images?|graphs?|pictures?|files?|maps?|draw|plot|go to)\b/i;
/** Python's `string.punctuation`. */
const PUNCTUATION = /^[!-/:-@[-`{-~]/;

/** How new instructions are drawn: so that they differ. */
export const SAMPLING: Omit<Sampling, "seed"> = {
  temperature: 0.7,
  topP: 0.5,
  presencePenalty: 2,
  maxTokens: 1024,
  stop: ["\n\n", `\n${2 * SHOWN}`],
};

/** An instruction of the pool, as prompts show it. */
export interface Pooled {
  readonly instruction: string;
  /** `seed 3` of people's, `task 3` of those that were made. */
  readonly name: string;
}

/** Draws what a prompt shows: two that were made, the rest of people's, in an order by chance. */
export function drawShown(
  seeds: readonly Pooled[],
  made: readonly Pooled[],
  ...key: readonly [seed: number, round: number, prompt: number]
): Pooled[] {
  const draw = (of: readonly Pooled[], count: number, part: number) =>
    Array.from(permutation(of.length, ...key, part).subarray(0, count), (i) => of[i]!);
  const own = draw(made, MADE_SHOWN, 0);
  const shown = [...own, ...draw(seeds, SHOWN - own.length, 1)];
  return draw(shown, shown.length, 2);
}

/** The prompt that shows instructions and asks for more. */
export function instructionsPrompt(shown: readonly Pooled[]): string {
  const lines = shown.map(({ instruction }, i) => {
    return `${i + 1}. ${squeezed(instruction).replace(/:+$/, "")}\n`;
  });
  return `Come up with a series of tasks:\n${lines.join("")}${shown.length + 1}.`;
}

/** An instruction that was made, and why it is not kept, if it is not. */
export interface Made {
  readonly instruction: string;
  readonly reason: string | null;
}

/** The instructions of an answer, by the published heuristics; what was cut off is the last one. */
export function instructionsIn({ text, ended }: Written): Made[] {
  const pieces = `\n${text.replace(/^\s*\d+\s?\./, "")}`.split(/\n\d+\s?\. /)
    .map(squeezed);
  return pieces.map((piece, i): Made => {
    const instruction = piece.charAt(0).toUpperCase() + piece.slice(1);
    const isCut = !ended && i === pieces.length - 1;
    return { instruction, reason: isCut ? "cut off: its tokens ran out" : faultOf(instruction) };
  }).filter(({ instruction }) => instruction !== "");
}

/** Why an instruction is not fit for a model of text; null where it is. */
export function faultOf(instruction: string): string | null {
  const count = instruction.split(" ").length;
  if (count < FEWEST_WORDS) return `too short: ${count} words`;
  if (count > MOST_WORDS) return `too long: ${count} words`;
  const [keyword] = KEYWORDS.exec(instruction) ?? [];
  if (keyword !== undefined) return `not for a model of text: "${keyword}"`;
  if (/^write a program/i.test(instruction)) return 'begins with "Write a program"';
  if (PUNCTUATION.test(instruction)) return "begins with punctuation";
  return instruction.charCodeAt(0) > 127 ? "begins with a letter that is not English" : null;
}

/** The nearest of some instructions. */
export interface Nearest {
  readonly rougeL: number;
  readonly to: string;
}

/** All instructions that are kept, those of people first, to compare new ones with. */
export class Pool {
  readonly #bags: { readonly bag: Bag; readonly name: string }[] = [];

  /** The instruction that a new one is nearest to, by ROUGE-L without stems. */
  nearest(instruction: string): Nearest {
    const own = bagOf(words(instruction));
    let found: Nearest = { rougeL: 0, to: "" };
    for (const { bag, name } of this.#bags) {
      const rougeL = nearest(own, [bag], found.rougeL);
      if (rougeL > found.rougeL) found = { rougeL, to: name };
    }
    return found;
  }

  add({ instruction, name }: Pooled): void {
    this.#bags.push({ bag: bagOf(words(instruction)), name });
  }
}

const squeezed = (text: string): string => text.replace(/\s+/g, " ").trim();
