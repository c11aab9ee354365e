/**
 * A GGUF file as the folder of Hugging Face that it stands for: the small files of a model, made of
 * its metadata.
 *
 * @module
 */
import { onDisk } from "../files.ts";
import { configOf } from "./config.ts";
import { type GgufFile, openGguf } from "./reader.ts";
import { generationConfigOf, tokenizerConfigOf, tokenizerOf } from "./tokenizer.ts";

const FILES: Readonly<Record<string, (file: GgufFile) => Record<string, unknown>>> = {
  "config.json": configOf,
  "generation_config.json": generationConfigOf,
  "tokenizer.json": tokenizerOf,
  "tokenizer_config.json": tokenizerConfigOf,
};

/** Whether a place is a GGUF file, by its name. */
export const isGguf = (place: string): boolean => /\.gguf$/i.test(place);

/** The file that was asked last, since one model is asked for several. */
let last: { readonly key: string; readonly texts: Map<string, string> } | undefined;

/**
 * The text of the small file `name` of the model in `path`; undefined where it has none.
 *
 * @throws {FileError} where the file is damaged, or says something that is not built.
 */
export function ggufText(path: string, name: string): string | undefined {
  const make = Object.hasOwn(FILES, name) ? FILES[name] : undefined;
  if (make === undefined) return undefined;
  const { mtime, size } = onDisk(`Cannot read ${path}`, () => Deno.statSync(path));
  const key = `${path} ${mtime?.getTime()} ${size}`;
  if (last?.key !== key) last = { key, texts: textsOf(path) };
  return last.texts.get(name);
}

function textsOf(path: string): Map<string, string> {
  using file = openGguf(path);
  return new Map(
    Object.entries(FILES).map(([name, make]) => [name, JSON.stringify(make(file), null, 2)]),
  );
}
