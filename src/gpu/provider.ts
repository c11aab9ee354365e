/**
 * A WebGPU in place of Deno's own, such as Dawn, which the npm package `webgpu` brings.
 *
 * @module
 */

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { ConfigError } from "../errors.ts";

/** What such a package exports. */
interface Provider {
  /** Opens it; each option is a text, such as `adapter=NAME`. */
  create(options: readonly string[]): GPU;
  /** The interface's classes and flags, by name. */
  readonly globals: Readonly<Record<string, unknown>>;
}

/**
 * Loads a WebGPU and puts it in the place of Deno's for the rest of the program: all devices that
 * are opened without one of their own are then opened by it.
 *
 * @param place The package's folder (`node_modules/webgpu`), or the module itself.
 * @throws {ConfigError} where it cannot be loaded or gives no WebGPU.
 */
export async function installProvider(place: string): Promise<void> {
  const { create, globals } = await load(place);
  Object.assign(globalThis, globals);
  Object.defineProperty(navigator, "gpu", { value: create([]), configurable: true });
}

async function load(place: string): Promise<Provider> {
  let module: Partial<Provider>;
  try {
    const path = resolve(place);
    const file = (await Deno.stat(path)).isDirectory ? resolve(path, "index.js") : path;
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    const words = (cause as Error).message;
    throw new ConfigError(`Cannot load a WebGPU from ${place}: ${words}`, { cause });
  }
  if (typeof module.create === "function" && typeof module.globals === "object") {
    return module as Provider;
  }
  const wanted = "wanted create() and globals, as npm's package webgpu has them";
  throw new ConfigError(
    `Found ${Object.keys(module).join(", ") || "nothing"} in ${place}, ${wanted}`,
  );
}
