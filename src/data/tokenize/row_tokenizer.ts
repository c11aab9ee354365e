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
  readonly config?: { readonly target?: TargetMarks | undefined };
}

/** The tokenizer of a model: BOS only where it expects one. */
export function rowTokenizer({ tokenizer, folder, config }: Encoding): RowTokenizer {
  const { addsBos, bos, eos } = tokenizer;
  let chat: ChatFacts | undefined;
  return {
    encode: (text) => tokenizer.encode(text),
    bos: addsBos ? bos : null,
    eos,
    eosToken: eos === null ? undefined : tokenizer.decode([eos], { skipSpecial: false }),
    target: config?.target,
    // Read when the first chat asks for it: other data needs nothing of the template.
    get chat() {
      return chat ??= readChatFacts(folder);
    },
  };
}
