/**
 * The tokenizer of a model's folder, as data wants it.
 *
 * @module
 */

import type { Tokenizer } from "../../io/tokenizer/tokenizer.ts";
import { readChatFacts } from "../templates/chat_facts.ts";
import type { ChatFacts, RowTokenizer, TargetMarks } from "../example.ts";

/** What of a model data must know. */
export interface Encoding {
  readonly tokenizer: Tokenizer;
  readonly folder: string;
  /** Where an encoder reads the prompt, what its decoder reads beside the answer. */
  readonly config?: {
    readonly target?: TargetMarks | undefined;
    readonly vocabSize?: number;
  };
  /** How many virtual tokens stand in front of every document; none by default. */
  readonly virtualTokens?: number;
}

/** The tokenizer of a model: BOS only where it expects one. */
export function rowTokenizer(
  { tokenizer, folder, config, virtualTokens = 0 }: Encoding,
): RowTokenizer {
  const { addsBos, bos, eos, specialTokens, unknown } = tokenizer;
  const textOf = (id: number | null) =>
    id === null ? undefined : tokenizer.decode([id], { skipSpecial: false });
  let chat: ChatFacts | undefined;
  return {
    encode: (text) => tokenizer.encode(text),
    bos: addsBos ? bos : null,
    eos,
    bosToken: textOf(bos),
    eosToken: textOf(eos),
    specialTokens,
    unknown,
    drops: (text) => tokenizer.drops(text),
    target: config?.target,
    virtual: Array.from({ length: virtualTokens }, (_, i) => config!.vocabSize! + i),
    // Read when the first chat asks for it: other data needs nothing of the template.
    get chat() {
      return chat ??= readChatFacts(folder);
    },
  };
}
