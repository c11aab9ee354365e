/**
 * What rows of several answers say of them: how often they do not tell which is better, how much that
 * goes by length alone, and how often they say it again, or the other way round.
 *
 * @module
 */
import { asked, type Content, messageText } from "../rows/content.ts";
import { DistinctCounter } from "./diversity/distinct.ts";
import { words } from "./words.ts";

/** What the answers of rows come to. */
export interface PairReport {
  /** Rows with several answers. */
  readonly rows: number;
  /** Pairs of their answers of which one is better. */
  readonly comparisons: number;
  /** Pairs that are as good, or that are the same text. */
  readonly ties: number;
  /** The shares of the comparisons whose better answer has more words, and fewer. */
  readonly better_longer: number;
  readonly better_shorter: number;
  /** Words of better and of worse answers on average. */
  readonly words_better: number;
  readonly words_worse: number;
  /** Different prompts. */
  readonly prompts: number;
  /** Comparisons that repeat another word by word, prompt and both answers. */
  readonly repeated: number;
  /** Different comparisons that are there the other way round too. */
  readonly reversed: number;
}

/** Counts over rows as they are read; in little memory, however many there are. */
export class PairTally {
  #rows = 0;
  #comparisons = 0;
  #ties = 0;
  #longer = 0;
  #shorter = 0;
  #better = 0;
  #worse = 0;
  readonly #prompts = new DistinctCounter();
  readonly #ordered = new DistinctCounter();
  readonly #unordered = new DistinctCounter();

  /** Counts a row, if it has several answers. */
  add(content: Content): void {
    if (content.kind !== "preference") return;
    const { answers, grades = answers.map((_, i) => -i) } = content;
    const texts = answers.map(answerText);
    const prompt = promptText(answers[0]!);
    this.#rows++;
    this.#prompts.add(prompt);
    for (const [i, a] of texts.entries()) {
      for (let j = i + 1; j < texts.length; j++) {
        const [b, difference] = [texts[j]!, grades[i]! - grades[j]!];
        if (difference === 0 || a === b) this.#ties++;
        else if (difference > 0) this.#compare(prompt, a, b);
        else this.#compare(prompt, b, a);
      }
    }
  }

  /** What was counted; null where no row has several answers. */
  report(): PairReport | null {
    if (this.#rows === 0) return null;
    const share = (count: number) => this.#comparisons === 0 ? 0 : count / this.#comparisons;
    const different = this.#ordered.count();
    return {
      rows: this.#rows,
      comparisons: this.#comparisons,
      ties: this.#ties,
      better_longer: share(this.#longer),
      better_shorter: share(this.#shorter),
      words_better: share(this.#better),
      words_worse: share(this.#worse),
      prompts: this.#prompts.count(),
      repeated: this.#comparisons - different,
      reversed: different - this.#unordered.count(),
    };
  }

  #compare(prompt: string, better: string, worse: string): void {
    const [more, less] = [words(better).length, words(worse).length];
    this.#comparisons++;
    this.#better += more;
    this.#worse += less;
    if (more > less) this.#longer++;
    else if (more < less) this.#shorter++;
    this.#ordered.add(JSON.stringify([prompt, better, worse]));
    this.#unordered.add(JSON.stringify([prompt, ...[better, worse].sort()]));
  }
}

type Answer = (Content & { readonly kind: "preference" })["answers"][number];

/** What is compared: of a chat the turns that are learnt. */
function answerText(answer: Answer): string {
  if (answer.kind === "instruction") return answer.answer;
  return answer.messages.filter(({ supervised }) => supervised).map(messageText).join("\n");
}

function promptText(answer: Answer): string {
  if (answer.kind === "instruction") return asked(answer);
  return JSON.stringify(
    answer.messages.filter(({ supervised }) => !supervised)
      .map((message) => [message.role, messageText(message)]),
  );
}
