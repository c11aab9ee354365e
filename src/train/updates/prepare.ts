/**
 * What comes before an update: hooks, measurements, samples, and the replays that it is made of.
 *
 * @module
 */
import type { Fields, Objective, Replay, SampleText } from "../../objectives/objective.ts";
import type { Session } from "../session.ts";
import type { UpdateLog } from "./log.ts";
import type { Updates } from "./updates.ts";

/** What a run wants to hear before an update. */
export interface UpdateOptions {
  /** Updates that were done before: the store holds what they left. */
  readonly start: number;
  /** Called with what the model writes before an update. */
  readonly onSample?: (step: number, samples: readonly SampleText[]) => void;
  readonly log?: (line: string) => void;
}

/** What an update is prepared with. */
interface Preparing {
  readonly updates: Pick<Updates, "next">;
  readonly log: UpdateLog;
  readonly options: UpdateOptions;
}

/** Lets hooks act, measures and plans; it can be done again where it was stopped. */
export async function beforeUpdate(
  session: Session,
  step: number,
  { updates, log, options }: Preparing,
): Promise<Planned[]> {
  const { parts } = session;
  for (const { hook } of parts) {
    if (!hook) continue;
    while (!hook.isReady(step)) log.take(await updates.next());
    const said = await hook.before(step);
    if (said) options.log?.(said);
  }
  const measured: Promise<Fields>[] = [];
  for (const meter of parts.flatMap(({ meters = [] }) => meters)) {
    if (!meter.isDue(step)) continue;
    const { result } = await meter.measure(step);
    measured.push(result);
    log.measured(step, result);
    if (hasNoCheckpoint(session, options)) sweep(session);
  }
  if (measured.length > 0) {
    const all = Promise.all(measured).then((fields): Fields => Object.assign({}, ...fields));
    for (const part of parts) part.hear?.(step, all);
  }
  for (const { sampler } of parts) {
    if (leads(session) && sampler?.isDue(step)) options.onSample?.(step, await sampler.sample());
  }
  return await planUpdate(session, step);
}

/** A replay of an update, and whose it is. */
export interface Planned {
  readonly objective: Objective;
  readonly replay: Replay;
}

/** The replays of an update, objective by objective. */
export async function planUpdate({ parts }: Session, step: number): Promise<Planned[]> {
  const planned: Planned[] = [];
  const before = { tokens: 0, supervised: 0 };
  for (const { objective } of parts) {
    if (!objective) continue;
    const replays = await objective.plan(step, { ...before });
    for (const replay of replays) {
      planned.push({ objective, replay });
      before.tokens += replay.tokens;
      before.supervised += replay.supervised;
    }
  }
  return planned;
}

/** Whether this is the rank that writes, which the only one is. */
export const leads = ({ sharing }: Session): boolean => (sharing?.ranks.rank ?? 0) === 0;

/** Whether no checkpoint can want what a part no longer needs. */
export const hasNoCheckpoint = (
  { config: { train } }: Session,
  { start }: UpdateOptions,
): boolean => train.checkpoint_every === 0 && start === 0;

/** Lets parts drop what they need no more. */
export const sweep = ({ parts }: Session): void => parts.forEach((part) => part.sweep?.());
