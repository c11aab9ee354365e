/**
 * Where the quickstart's files lie.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { ConfigError } from "../errors.ts";

/**
 * The path of a file or folder of `configs/quickstart/`.
 *
 * @throws {ConfigError} where Graft itself was imported from a server: it has none on this machine.
 */
export function quickstartFile(name: string): string {
  const url = new URL(`../../configs/quickstart/${name}`, import.meta.url);
  if (url.protocol === "file:") return fileURLToPath(url);
  throw new ConfigError(
    `Found no quickstart on this machine, since Graft runs from ${url.origin}; ` +
      "wanted a config, a model, or a copy of the repository",
  );
}
