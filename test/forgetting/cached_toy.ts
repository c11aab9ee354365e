/** A toy whose runs have a cache folder of their own. */
import assert from "node:assert/strict";
import { join } from "node:path";
import type { Document } from "../../src/data/mod.ts";
import { sampleBase } from "../../src/forgetting/text/samples.ts";
import { Model } from "../../src/models/model.ts";
import { freshEngine } from "../models/tiny.ts";
import { namesIn } from "../io/helpers.ts";
import { Toy } from "../train/toy.ts";

export class CachedToy extends Toy {
  readonly cache = this.path("cache");
  /** Mesa would keep its shaders there too. */
  readonly #variables = { XDG_CACHE_HOME: this.cache, MESA_SHADER_CACHE_DISABLE: "true" };
  readonly #before = Object.keys(this.#variables).map((name) =>
    [name, Deno.env.get(name)] as const
  );

  constructor(...options: ConstructorParameters<typeof Toy>) {
    super(...options);
    for (const [name, value] of Object.entries(this.#variables)) Deno.env.set(name, value);
  }

  /** The files of samples that were kept. */
  get kept(): string[] {
    const folder = join(this.cache, "graft", "samples");
    return namesIn(folder).map((name) => join(folder, name));
  }

  /** The documents that the toy's model writes, and what is said meanwhile. */
  async samples({ count = 12, maxTokens = 24, seed = 3 } = {}) {
    const own = await freshEngine();
    using model = new Model(this.model);
    const said: string[] = [];
    const say = (line: string) => said.push(line);
    const documents = await sampleBase(own, model, { count, maxTokens, seed, say });
    own.store.destroy();
    return { ids: documents.map(idsOf), documents, said: said.join("\n") };
  }

  override [Symbol.dispose](): void {
    for (const [name, value] of this.#before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    super[Symbol.dispose]();
  }
}

function idsOf(document: Document): readonly number[] {
  assert.equal(document.kind, "tokens");
  return document.kind === "tokens" ? document.ids : [];
}
