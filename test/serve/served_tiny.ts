/** A server of a tiny chat model with two adapters, for tests. */
import { join } from "node:path";
import { Adapter, type AdapterOptions } from "../../src/adapters/adapter.ts";
import { writePeft } from "../../src/adapters/peft/folder.ts";
import { openModel } from "../../src/inference/open.ts";
import { Model } from "../../src/models/model.ts";
import { Served, type ServedOptions } from "../../src/serve/served.ts";
import { listen, type ServerOptions } from "../../src/http/server.ts";
import { routesOf } from "../../src/serve/routes.ts";
import { engine, noise } from "../harness.ts";
import { SMOLLM2, withTinyChat } from "../inference/tiny_chat.ts";
import { freshEngine } from "../models/tiny.ts";

/** Writes an adapter of noise beside a model. */
export async function writeAdapter(
  model: string,
  folder: string,
  seed: number,
  options: Partial<AdapterOptions> = {},
): Promise<void> {
  const engine = await freshEngine();
  using open = new Model(model);
  const shape = { rank: 4, alpha: 64, targets: "all-linear" as const, ...options };
  const adapter = Adapter.fresh(engine, open, shape);
  const { graph } = open.lossGraph(engine, { T: 8, adapt: adapter.adapt });
  engine.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
  for (const name of engine.store.paramNames) {
    const { size } = engine.store.param(name);
    engine.store.writeParam(name, noise(size / 4, seed++).map((x) => x / 4));
  }
  writePeft(folder, await adapter.read(engine.store, model));
  engine.store.destroy();
}

/** Where adapters lie beside a tiny model. */
export const adaptersOf = (model: string): ReadonlyMap<string, string> =>
  new Map(["first", "second"].map((name) => [name, join(model, "..", name)]));

/** Runs `action` with what a server answers with, by the names `base`, `first` and `second`. */
export function withServed(
  action: (served: Served, model: string) => Promise<void>,
  size: Partial<ServedOptions> = {},
): Promise<void> {
  return withTinyChat(SMOLLM2, async (model) => {
    let seed = 100;
    for (const folder of adaptersOf(model).values()) await writeAdapter(model, folder, seed += 100);
    const { device } = await engine();
    using open = openModel(device, model);
    const options = { context: 256, slots: 4, waiting: 64, ...size };
    using served = await Served.open(open, "base", adaptersOf(model), options);
    await action(served, model);
  });
}

/** Runs `action` with the address of such a server. */
export function withServer(
  action: (address: string, served: Served) => Promise<void>,
  { token = null, ...size }: Partial<ServedOptions & Pick<ServerOptions, "token">> = {},
): Promise<void> {
  return withServed(async (served) => {
    const server = listen(routesOf(served), { hostname: "127.0.0.1", port: 0, token });
    try {
      await action(`http://127.0.0.1:${server.addr.port}`, served);
    } finally {
      await server.shutdown();
    }
  }, size);
}
