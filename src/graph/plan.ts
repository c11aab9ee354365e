/**
 * The memory plan: which calls are needed, how long each value lives, and which values share a
 * buffer. Known before anything is allocated.
 *
 * @module
 */
import { bytesOf, type Call, describe, type Graph, type Named, type Value } from "./graph.ts";

/** Calls in order, and the buffers that their temporary values share. */
export interface Plan {
  readonly calls: readonly Call[];
  /** Bytes of each shared buffer. */
  readonly slots: readonly number[];
  /** Which slot a temporary value lives in. */
  readonly slotOf: ReadonlyMap<Value, number>;
  /** The persistent value whose buffer an output takes over (a state, a gradient). */
  readonly homeOf: ReadonlyMap<Value, Value>;
}

/** Values that share one buffer because each takes over the one before. */
interface Group {
  readonly members: Value[];
  bytes: number;
  first: number;
  last: number;
}

const outsOf = (call: Call) => Object.values(call.outs as Named) as Value[];
const insOf = (call: Call) => Object.values(call.ins as Named).filter((v) => v !== undefined);

export interface PlanOptions {
  /** False gives every value a buffer of its own, so that a guard behind it finds stray writes. */
  share?: boolean;
}

/**
 * Plans a finished graph.
 *
 * @throws {RangeError} where a call takes over the buffer of a value that is read elsewhere: by a
 * later call, through another input of the same call, or as a result.
 */
export function plan(graph: Graph, { share = true }: PlanOptions = {}): Plan {
  const calls = liveCalls(graph);
  const groups = groupValues(graph, calls);
  const homeOf = new Map<Value, Value>();
  const temporary: Group[] = [];
  for (const group of new Set(groups.values())) {
    const home = group.members.find(({ kind }) => kind !== "temp");
    if (!home) temporary.push(group);
    else for (const value of group.members) homeOf.set(value, home);
  }
  if (!share) { for (const group of temporary) group.last = calls.length; }
  const { slots, slotOf } = shareSlots(temporary, calls.length);
  const places = temporary.flatMap((group) =>
    group.members.map((value) => [value, slotOf.get(group)!] as const)
  );
  return { calls, homeOf, slots, slotOf: new Map(places) };
}

/** One line a call: what it makes, where, and from what; `y.3` is the y that call 3 makes. */
export function printPlan({ calls, slotOf, homeOf }: Plan): string {
  const maker = new Map(calls.flatMap((call, i) => outsOf(call).map((value) => [value, i])));
  const nameOf = (value: Value) =>
    value.kind === "temp" ? `${value.name}.${maker.get(value)}` : value.name;
  const place = (value: Value) => {
    const slot = slotOf.get(value);
    return slot === undefined ? homeOf.get(value)?.kind ?? value.kind : `slot ${slot}`;
  };
  return calls.map((call, index) => {
    const outs = outsOf(call).map((value) => `${describe(value)} (${place(value)})`);
    const ins = [...new Set(insOf(call).map(nameOf))];
    return `#${String(index).padEnd(4)} ${call.op.name.padEnd(24)} ${outs.join(", ")} <- ${
      ins.join(", ")
    }`;
  }).join("\n");
}

/** Drops calls whose outputs nobody reads. */
function liveCalls(graph: Graph): Call[] {
  const wanted = new Set<Value>([...graph.outputs.values(), ...graph.gradients.values()]);
  const live: Call[] = [];
  for (const call of graph.calls.toReversed()) {
    const writesState = Object.values(call.op.overwrites?.(call) ?? {})
      .some((name) => name !== undefined && (call.ins as Named)[name]?.kind === "state");
    if (!writesState && !outsOf(call).some((value) => wanted.has(value))) continue;
    for (const value of insOf(call)) wanted.add(value);
    live.push(call);
  }
  return live.reverse();
}

function groupValues(graph: Graph, calls: readonly Call[]): Map<Value, Group> {
  const groups = new Map<Value, Group>();
  const takenOver = new Map<Value, Call>();
  const results = new Set([...graph.outputs.values(), ...graph.gradients.values()]);
  for (const [index, call] of calls.entries()) {
    for (const value of insOf(call)) {
      const by = takenOver.get(value);
      if (by) {
        throw new RangeError(`${call.op.name} reads ${value.name}, which ${by.op.name} took over`);
      }
      const group = groups.get(value);
      if (group) group.last = Math.max(group.last, index);
    }
    const overwrites = call.op.overwrites?.(call) ?? {};
    for (const [name, value] of Object.entries(call.outs as Record<string, Value>)) {
      const victimName = overwrites[name];
      const victim = victimName === undefined ? undefined : (call.ins as Named)[victimName];
      if (victim) {
        if (results.has(victim)) {
          throw new RangeError(`${call.op.name} takes over ${victim.name}, which is a result`);
        }
        takenOver.set(victim, call);
      }
      const group = victim ? takeOver(groups, victim, call) : newGroup(index);
      group.members.push(value);
      group.bytes = Math.max(group.bytes, bytesOf(value));
      group.last = Math.max(group.last, results.has(value) ? calls.length : index);
      groups.set(value, group);
    }
  }
  return groups;
}

const newGroup = (first: number): Group => ({ members: [], bytes: 0, first, last: first });

function takeOver(groups: Map<Value, Group>, victim: Value, call: Call): Group {
  if (insOf(call).filter((value) => value === victim).length > 1) {
    throw new RangeError(`${call.op.name} reads ${victim.name} twice and takes it over`);
  }
  const group = groups.get(victim);
  if (group) return group;
  if (victim.kind !== "state") {
    throw new RangeError(`${call.op.name} cannot write over the ${victim.kind} ${victim.name}`);
  }
  return { ...newGroup(0), members: [victim] };
}

/** Something that takes memory from a first step to a last one. */
export interface Span {
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
}

/** Best fit: the smallest free slot that is large enough, else the largest one, grown. */
export function shareSlots<S extends Span>(
  spans: readonly S[],
  end: number,
): { slots: number[]; slotOf: Map<S, number> } {
  const slots: number[] = [];
  const slotOf = new Map<S, number>();
  const free = new Set<number>();
  const byFirst = [...spans].sort((a, b) => a.first - b.first || b.bytes - a.bytes);
  const living: { span: S; slot: number }[] = [];
  for (const span of byFirst) {
    for (let i = living.length - 1; i >= 0; i--) {
      const { span: { last }, slot } = living[i]!;
      if (last >= span.first) continue;
      free.add(slot);
      living.splice(i, 1);
    }
    const candidates = [...free].sort((a, b) => slots[a]! - slots[b]!);
    const slot = candidates.find((s) => slots[s]! >= span.bytes) ?? candidates.at(-1) ??
      slots.length;
    free.delete(slot);
    slots[slot] = Math.max(slots[slot] ?? 0, span.bytes);
    if (span.last < end) living.push({ span, slot });
    slotOf.set(span, slot);
  }
  return { slots, slotOf };
}
