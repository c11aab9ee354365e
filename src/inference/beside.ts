/**
 * Adapters beside an open base for requests to all of them: those that are low-rank updates of linear
 * layers together, so that one replay serves all, each other one alone.
 *
 * @module
 */
import { Adapter } from "../adapters/adapter.ts";
import type { PeftAdapter } from "../adapters/peft/adapter.ts";
import { readPeft } from "../adapters/peft/folder.ts";
import { refuseResized } from "../adapters/resized.ts";
import { goesSideBySide, SideBySide, widthOf } from "../adapters/side_by_side.ts";
import type { Engine } from "../graph/compile.ts";
import type { Adapt } from "../models/layers/adapt.ts";
import { adapterFolder } from "../adapters/saved.ts";
import { OpenAdapter, type OpenModel } from "./open.ts";

/** Ranks together: each row pays for all of them, and more would cost as much as another replay. */
const MOST_RANKS = 128;

/** Adapters that one graph holds. */
export interface OpenGroup extends Disposable {
  readonly engine: Engine;
  readonly adapt: Adapt;
  /** By their numbers. */
  readonly names: readonly string[];
  /** Whether rows go through one of them or through none, as an input of the graph says. */
  readonly isPerRow: boolean;
}

/**
 * Opens adapters beside a base.
 *
 * @param folders By name.
 * @throws as {@linkcode OpenAdapter.open}.
 */
export function openGroups(open: OpenModel, folders: ReadonlyMap<string, string>): OpenGroup[] {
  const layers = layersOf(open);
  const groups: OpenGroup[] = [];
  const together = new Map<string, PeftAdapter>();
  const close = () => {
    if (together.size > 0) groups.push(openTogether(open, together));
    together.clear();
  };
  try {
    for (const [name, folder] of folders) {
      const read = readPeft(adapterFolder(folder));
      refuseResized(open.model.checkpoint, read, "merge it and serve that");
      if (goesSideBySide(read, layers)) {
        const ranks = [read, ...together.values()].reduce((sum, one) => sum + widthOf(one), 0);
        if (ranks > MOST_RANKS) close();
        together.set(name, read);
        continue;
      }
      const alone = OpenAdapter.open(open, folder);
      const { engine, adapter: { adapt } } = alone;
      const free = () => alone[Symbol.dispose]();
      groups.push({ engine, adapt, names: [name], isPerRow: false, [Symbol.dispose]: free });
    }
    close();
    return groups;
  } catch (fault) {
    for (const group of groups) group[Symbol.dispose]();
    throw fault;
  }
}

function openTogether(
  { engine, model }: OpenModel,
  adapters: ReadonlyMap<string, PeftAdapter>,
): OpenGroup {
  const beside = { ...engine, store: engine.store.beside() };
  try {
    for (const read of adapters.values()) Adapter.of(beside, model, read); // refuses what does not fit
    const all = new SideBySide([...adapters.values()]);
    const { adapt } = all;
    const { graph } = model.lossGraph(beside, { T: 8, adapt });
    beside.store.addParams(graph.values.filter(({ kind }) => kind === "param"));
    all.load(beside.store);
    const free = () => beside.store.destroy();
    const names = [...adapters.keys()];
    return { engine: beside, adapt, names, isPerRow: true, [Symbol.dispose]: free };
  } catch (fault) {
    beside.store.destroy();
    throw fault;
  }
}

/** The linear layers of a model, its head aside. */
function layersOf({ engine, model }: OpenModel): ReadonlySet<string> {
  const layers = new Set<string>();
  const none = () => undefined;
  const linear: Adapt["linear"] = (_, { module }) => (layers.add(module), undefined);
  model.lossGraph(engine, { T: 8, adapt: { linear, lowRank: none, table: none, tensor: none } });
  return layers;
}
