/**
 * What an instruction asks for, as a verb and its object: `write story`.
 *
 * @module
 */
import { words } from "../words.ts";

/** Verbs that instructions begin with, in their base form. */
const VERBS = new Set(
  `add analyze answer arrange ask assess assign brainstorm build calculate change check choose cite
  classify combine compare complete compose compute conduct construct convert correct count create
  critique decide decode define delete demonstrate derive describe design detect determine develop
  devise diagnose discuss distinguish divide draft draw edit elaborate encode estimate evaluate
  examine expand explain express extract fill find fix follow form format formulate generate give
  group guess guide help highlight identify imagine implement improve include infer insert interpret
  invent judge justify label list locate make map mark match measure modify multiply name offer
  optimize order organize outline paraphrase perform pick plan play point predict prepare present
  prove provide put quote rank rate read rearrange recite recommend refine rename repeat rephrase
  replace replicate report research respond restate retrieve return review revise rewrite rhyme run
  say score search select separate set share show simplify sketch solve sort speak specify
  spell split state suggest sum summarize support take teach tell think transcribe transform
  translate try turn unscramble update use validate verify visualize work write`.split(/\s+/),
);

/** Words in front of the words that matter. */
const DETERMINERS = new Set(
  `a an the this that these those my your our their his her its some any each every all both me us
  him them you it of`.split(/\s+/),
);

/** Words at which the object ends. */
const BOUNDARIES = new Set(
  `about above across after against along among and around as at because before behind below beside
  between but by can could down during for from how if in inside into is are was were like near
  of off on onto or out over per so such than that then through to toward under until up using what
  when where whether which while who whom whose why will with within without would based containing
  describing explaining given including involving provided`.split(/\s+/),
);

/** An object is looked for in this many words. */
const OBJECT_WITHIN = 8;

/**
 * The first known verb of an instruction and the noun that it governs, by rules of thumb for
 * English instead of the parser of Self-Instruct (Wang et al. 2022, 2212.10560, section 3.3): the verb
 * is the first word that stands in a list; the object is the last word before a preposition,
 * a conjunction or the end of the clause, determiners and pronouns aside, since an English noun
 * phrase ends with its head. `""` for an object that is not found; null without a verb.
 */
export function verbObject(instruction: string): { verb: string; object: string } | null {
  for (const clause of instruction.split(/[.?!:;,\n()"]+/)) {
    const all = words(clause);
    const at = all.findIndex((word) => VERBS.has(word));
    if (at >= 0) return { verb: all[at]!, object: objectOf(all.slice(at + 1)) };
  }
  return null;
}

function objectOf(after: readonly string[]): string {
  let object = "";
  for (const word of after.slice(0, OBJECT_WITHIN)) {
    if (DETERMINERS.has(word) && object === "") continue;
    if (BOUNDARIES.has(word)) break;
    object = word;
  }
  return object;
}
