/** A tiny model that chats: random weights, a byte-level tokenizer and a chat template. */
import { join } from "node:path";
import { byteLevelTokenizer } from "../data/tokenize/tokenizers.ts";
import { withTiny } from "../models/tiny.ts";
import golden from "./chat_golden.json" with { type: "json" };

export const [SMOLLM2, HEADERS] = golden.cases as unknown as [GoldenCase, GoldenCase];

/** Chats as transformers encodes them up to each answer. */
export interface GoldenCase {
  readonly name: string;
  readonly template: string;
  readonly bos: string;
  readonly eos: string;
  readonly chats: readonly {
    readonly messages: readonly { readonly role: string; readonly content: string }[];
    readonly ids: readonly number[];
  }[];
}

/** Runs `action` with the folder of such a model. */
export async function withTinyChat(
  { template, bos, eos }: Pick<GoldenCase, "template" | "bos" | "eos">,
  action: (folder: string) => Promise<void>,
  config: Record<string, unknown> = {},
): Promise<void> {
  const tokenizer = byteLevelTokenizer();
  const vocab = Object.keys(tokenizer.model.vocab).length;
  const eosId = tokenizer.added_tokens.find(({ content }) => content === eos)!.id;
  const fields = { max_position_embeddings: 1024, eos_token_id: eosId, ...config };
  await withTiny({ vocab, config: fields }, async (folder) => {
    const write = (name: string, value: unknown) =>
      Deno.writeTextFileSync(join(folder, name), JSON.stringify(value));
    write("tokenizer.json", tokenizer);
    write("tokenizer_config.json", {
      ...{ bos_token: bos, eos_token: eos, add_bos_token: false },
      chat_template: template,
    });
    await action(folder);
  });
}
