/**
 * Rewards of how an answer is written, whatever it says: a pattern, tags, its length.
 *
 * @module
 */
import { splitWords } from "../eval/metrics/normalise.ts";
import { findAll } from "../io/pattern.ts";
import { plainReward, type Reward } from "./reward.ts";
import type { FormatReward, LengthReward, RegexReward } from "./settings.ts";

/** 1 where the pattern matches somewhere, else 0; it has a second for an answer. */
export const regexReward = ({ pattern }: RegexReward): Reward =>
  plainReward("regex", ({ completion }) => findAll(pattern, completion).length > 0 ? 1 : 0);

/** 1 where an answer is made of tags, each once, else 0. */
export const formatReward = ({ tags, text_after: isOpen }: FormatReward): Reward =>
  plainReward("format", ({ completion }) => isMadeOf(completion, tags, isOpen) ? 1 : 0);

/** Whether `text` is `<a>…</a> <b>…</b>` for tags a and b, none of them within, between or after. */
function isMadeOf(text: string, tags: readonly string[], isOpen: boolean): boolean {
  const marks = tags.flatMap((tag) => [`<${tag}>`, `</${tag}>`]);
  const holdsNone = (part: string) => !marks.some((mark) => part.includes(mark));
  let rest = text.trimStart();
  for (const tag of tags) {
    const [open, close] = [`<${tag}>`, `</${tag}>`];
    const end = rest.indexOf(close);
    if (!rest.startsWith(open) || end < 0 || !holdsNone(rest.slice(open.length, end))) return false;
    rest = rest.slice(end + close.length).trimStart();
  }
  return isOpen ? holdsNone(rest) : rest === "";
}

/**
 * 0 for an answer of so many words; beyond, it falls in a line to -1 over `margin` words, as DAPO
 * does for long ones (Yu et al., 2025, equation 13, with tokens in place of words).
 */
export const lengthReward = ({ least, most = Infinity, margin }: LengthReward): Reward =>
  plainReward("length", ({ completion }) => {
    const words = splitWords(completion).length;
    const beyond = Math.max(0, least - words, words - most);
    return beyond === 0 ? 0 : -Math.min(1, beyond / margin);
  });
