/**
 * Porter's stemmer (Porter 1980, An algorithm for suffix stripping) with the extensions of NLTK,
 * which `rouge_score` stems by. The packages that were tried follow the paper alone, by which `dying`
 * and `die` have two stems.
 *
 * @module
 */

/** Stems that no rule finds. */
const IRREGULAR: ReadonlyMap<string, string> = new Map([
  ["sky", "sky"],
  ["skies", "sky"],
  ["dying", "die"],
  ["lying", "lie"],
  ["tying", "tie"],
  ["news", "news"],
  ["innings", "inning"],
  ["inning", "inning"],
  ["outings", "outing"],
  ["outing", "outing"],
  ["cannings", "canning"],
  ["canning", "canning"],
  ["howe", "howe"],
  ["proceed", "proceed"],
  ["exceed", "exceed"],
  ["succeed", "succeed"],
]);

/** A suffix, what stands in its place, and what must hold of the stem before it. */
type Rule = readonly [suffix: string, replacement: string, holds: (stem: string) => boolean];

/** The stem of a word in lower case. */
export function stem(word: string): string {
  const known = IRREGULAR.get(word);
  if (known !== undefined) return known;
  if (word.length <= 2) return word;
  const steps = [plural, pastOrIng, finalY, doubleSuffix, suffixAfterIc, lastSuffix, finalE];
  return apply(steps.reduce((found, step) => step(found), word), [
    ["ll", "l", (stem) => measure(`${stem}l`) > 1],
  ]);
}

function isConsonant(word: string, i: number): boolean {
  if ("aeiou".includes(word[i]!)) return false;
  return word[i] !== "y" || i === 0 || !isConsonant(word, i - 1);
}

/** How often consonants follow vowels: Porter's m. */
function measure(stem: string): number {
  let count = 0;
  for (let i = 1; i < stem.length; i++) {
    if (isConsonant(stem, i) && !isConsonant(stem, i - 1)) count++;
  }
  return count;
}

const hasVowel = (stem: string): boolean => Array.from(stem).some((_, i) => !isConsonant(stem, i));

const endsDouble = (word: string): boolean =>
  word.length >= 2 && word.at(-1) === word.at(-2) && isConsonant(word, word.length - 1);

/** Whether it ends in consonant, vowel and a consonant other than w, x and y; or is `at`, `up`, ... */
function endsShort(word: string): boolean {
  const n = word.length;
  if (n === 2) return !isConsonant(word, 0) && isConsonant(word, 1);
  return n >= 3 && isConsonant(word, n - 3) && !isConsonant(word, n - 2) &&
    isConsonant(word, n - 1) && !"wxy".includes(word[n - 1]!);
}

/** The first rule whose suffix the word has decides. */
function apply(word: string, rules: readonly Rule[]): string {
  const rule = rules.find(([suffix]) => word.endsWith(suffix));
  if (!rule) return word;
  const [suffix, replacement, holds] = rule;
  const before = word.slice(0, word.length - suffix.length);
  return holds(before) ? before + replacement : word;
}

const always = () => true;
const hasMeasure = (stem: string) => measure(stem) > 0;
const hasLongMeasure = (stem: string) => measure(stem) > 1;

/** Rules as pairs `suffix>replacement`. */
const rulesOf = (pairs: string, holds: Rule[2]): Rule[] =>
  pairs.split(" ").map((pair) => [...pair.split(">") as [string, string], holds]);

const PLURAL = rulesOf("sses>ss ies>i ss>ss s>", always);

/** Step 1a. */
function plural(word: string): string {
  if (word.endsWith("ies") && word.length === 4) return word.slice(0, -1);
  return apply(word, PLURAL);
}

/** Step 1b. */
function pastOrIng(word: string): string {
  if (word.endsWith("ied")) return word.slice(0, word.length === 4 ? -1 : -2);
  if (word.endsWith("eed")) return hasMeasure(word.slice(0, -3)) ? word.slice(0, -1) : word;
  const suffix = ["ed", "ing"].find((suffix) =>
    word.endsWith(suffix) && hasVowel(word.slice(0, -suffix.length))
  );
  if (suffix === undefined) return word;
  const before = word.slice(0, -suffix.length);
  if (/(?:at|bl|iz)$/.test(before)) return `${before}e`;
  if (endsDouble(before)) return /[lsz]$/.test(before) ? before : before.slice(0, -1);
  return measure(before) === 1 && endsShort(before) ? `${before}e` : before;
}

const FINAL_Y: readonly Rule[] = [
  ["y", "i", (stem) => stem.length > 1 && isConsonant(stem, stem.length - 1)],
];

/** Step 1c. */
const finalY = (word: string): string => apply(word, FINAL_Y);

const DOUBLE: readonly Rule[] = [
  ...rulesOf(
    "ational>ate tional>tion enci>ence anci>ance izer>ize bli>ble alli>al entli>ent eli>e " +
      "ousli>ous ization>ize ation>ate ator>ate alism>al iveness>ive fulness>ful ousness>ous " +
      "aliti>al iviti>ive biliti>ble fulli>ful",
    hasMeasure,
  ),
  // The l counts as of the stem, so that short ones such as geo are met too.
  ["logi", "log", (stem) => hasMeasure(`${stem}l`)],
];

/** Step 2. */
function doubleSuffix(word: string): string {
  const isAlli = word.endsWith("alli") && hasMeasure(word.slice(0, -4));
  return isAlli ? doubleSuffix(word.slice(0, -2)) : apply(word, DOUBLE);
}

const AFTER_IC = rulesOf("icate>ic ative> alize>al iciti>ic ical>ic ful> ness>", hasMeasure);

/** Step 3. */
const suffixAfterIc = (word: string): string => apply(word, AFTER_IC);

const LAST: readonly Rule[] = [
  ...rulesOf("al> ance> ence> er> ic> able> ible> ant> ement> ment> ent>", hasLongMeasure),
  ["ion", "", (stem) => hasLongMeasure(stem) && /[st]$/.test(stem)],
  ...rulesOf("ou> ism> ate> iti> ous> ive> ize>", hasLongMeasure),
];

/** Step 4. */
const lastSuffix = (word: string): string => apply(word, LAST);

const FINAL_E: readonly Rule[] = [
  ["e", "", (stem) => measure(stem) > 1 || (measure(stem) === 1 && !endsShort(stem))],
];

/** Step 5a. */
const finalE = (word: string): string => apply(word, FINAL_E);
