/**
 * Adapters by name, as `--adapter NAME=FOLDER` gives them.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";

/** @throws {ConfigError} for one without a name, or two of one. */
export function namedFolders(given: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const text of given) {
    const at = text.indexOf("=");
    if (at < 1 || at === text.length - 1) {
      throw new ConfigError(`--adapter: found ${text}, wanted NAME=FOLDER`);
    }
    const name = text.slice(0, at);
    if (found.has(name)) throw new ConfigError(`--adapter: found two of the name ${name}`);
    found.set(name, text.slice(at + 1));
  }
  return found;
}
