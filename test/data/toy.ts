/** A tokenizer of one token a UTF-8 byte, and examples of given lengths, for the tests here. */

import { dirname } from "node:path";
import { type Example, type RowTokenizer, UNSUPERVISED } from "../../src/data/mod.ts";

const BOS = 256;
const EOS = 257;
const utf8 = new TextEncoder();

export const toyEncoder: RowTokenizer = {
  encode: (text) => Array.from(utf8.encode(text)),
  bos: BOS,
  eos: EOS,
};

/** The same for chats: it knows the special tokens that templates write. */
export const toyChatEncoder: RowTokenizer = {
  ...toyEncoder,
  encode: (text) =>
    text.split(/(<s>|<\/s>)/).flatMap((part) =>
      part === "<s>" ? [BOS] : part === "</s>" ? [EOS] : toyEncoder.encode(part)
    ),
  chat: { template: null, bosToken: "<s>", eosToken: "</s>", specialTokens: ["<s>", "</s>"] },
};

/** The text of toy tokens, with the special ones written out. */
export function decode(ids: Iterable<number>): string {
  let text = "";
  let bytes: number[] = [];
  const flush = () => {
    text += new TextDecoder().decode(Uint8Array.from(bytes));
    bytes = [];
  };
  for (const id of ids) {
    if (id < BOS) bytes.push(id);
    else {
      flush();
      text += id === BOS ? "<s>" : "</s>";
    }
  }
  flush();
  return text;
}

/** What the loss sees of an example. */
export function decodeSupervised({ labels }: Example): string {
  return decode(labels.filter((label) => label !== UNSUPERVISED));
}

/** An example of that many tokens, of which the last half is supervised. */
export function exampleOf(length: number, seed = 0): Example {
  const ids = Uint32Array.from({ length }, (_, i) => i === 0 ? BOS : (seed * 31 + i) % 256);
  const firstSupervised = Math.max(1, Math.floor(length / 2));
  const labels = Int32Array.from(ids, (id, i) => i < firstSupervised ? UNSUPERVISED : id);
  return { ids, labels, origin: `toy:${seed}` };
}

/** A folder with the given files, removed afterwards. */
export async function withFiles(
  files: Record<string, string | Uint8Array>,
  use: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "graft-data-" });
  try {
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === "string" ? utf8.encode(content) : content;
      await Deno.mkdir(dirname(`${folder}/${name}`), { recursive: true });
      await Deno.writeFile(`${folder}/${name}`, bytes);
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
