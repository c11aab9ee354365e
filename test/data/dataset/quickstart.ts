/** The quickstart's base as data knows it: workers read its tokenizer from the folder. */
import { fileURLToPath } from "node:url";
import { rowTokenizer } from "../../../src/data/mod.ts";
import { loadTokenizer, type Tokenizer } from "../../../src/io/tokenizer/tokenizer.ts";

export const folder = fileURLToPath(new URL("../../../configs/quickstart/base/", import.meta.url));
export const bare: Tokenizer = loadTokenizer(folder);
export const tokenizer = rowTokenizer({ tokenizer: bare, folder });
