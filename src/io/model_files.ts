/**
 * The small files of a model: those of its folder, or what a GGUF file has in their place.
 *
 * @module
 */
import { join } from "node:path";
import { encodeUtf8, exists, onDisk, parseJsonObject, readText } from "./files.ts";
import { ggufText, isGguf } from "./gguf/files.ts";
import { pathInside } from "./inside.ts";

export { isGguf } from "./gguf/files.ts";

/** How messages call the file `name` of a model. */
export const modelFile = (place: string, name: string): string => join(place, name);

/**
 * The text of the file `name` of the model in `place`; undefined where it has none.
 *
 * @throws {FileError} if it is damaged, or links out of the folder.
 */
export function modelText(place: string, name: string): string | undefined {
  if (isGguf(place)) return ggufText(place, name);
  const path = pathInside(place, name);
  return exists(path) ? readText(path) : undefined;
}

/**
 * The text of a file that a model cannot be without.
 *
 * @throws {FileError} where it is missing or damaged.
 */
export function requireText(place: string, name: string): string {
  return modelText(place, name) ?? readText(modelFile(place, name));
}

/** The same of a JSON object. */
export function requireJson(place: string, name: string): Record<string, unknown> {
  return parseJsonObject(requireText(place, name), modelFile(place, name));
}

/** The same as bytes: not every file is text. */
export function modelBytes(place: string, name: string): Uint8Array | undefined {
  if (isGguf(place)) {
    const text = ggufText(place, name);
    return text === undefined ? undefined : encodeUtf8(text);
  }
  const path = pathInside(place, name);
  if (!exists(path)) return undefined;
  return onDisk(`Cannot read ${path}`, () => Deno.readFileSync(path));
}

/** Where transformers keeps the chat template for chats with tools, if that is one of its own. */
export const TOOL_TEMPLATE = "additional_chat_templates/tool_use.jinja";

/** A chat template beside the default one, by its path in a folder or a repository. */
const ADDITIONAL_TEMPLATE = /^additional_chat_templates\/([^/\\]+)\.jinja$/;

/** The name of the chat template in the file `path`; undefined where it is no additional one. */
export const additionalTemplate = (path: string): string | undefined =>
  ADDITIONAL_TEMPLATE.exec(path)?.[1];

/** The files of a model's additional chat templates, as paths in its folder, sorted. */
export function additionalTemplates(place: string): string[] {
  const folder = join(place, "additional_chat_templates");
  if (isGguf(place) || !exists(folder)) return [];
  return onDisk(`Cannot read ${folder}`, () => [...Deno.readDirSync(folder)])
    .map(({ name }) => `additional_chat_templates/${name}`)
    .filter((path) => additionalTemplate(path) !== undefined).sort();
}

/** The same of a JSON object. */
export function modelJson(place: string, name: string): Record<string, unknown> | undefined {
  const text = modelText(place, name);
  return text === undefined ? undefined : parseJsonObject(text, modelFile(place, name));
}
