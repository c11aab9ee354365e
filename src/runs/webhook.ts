/**
 * A webhook: an address that hears how a run goes, as JSON by POST. What is said holds no rows, no
 * texts and no paths but the name of the run's folder.
 *
 * @module
 */
import { basename } from "node:path";
import type { RunEvent, RunListener } from "./events.ts";

/** Milliseconds that an answer may take. */
const PATIENCE = 5000;

/** What is sent. `text` and `content` are the same sentence, for Slack and for Discord. */
interface Message {
  readonly run: string;
  readonly event: string;
  readonly text: string;
  readonly content: string;
  readonly [field: string]: unknown;
}

/**
 * Tells an address that a run begins, what it measures and how it ends, in order. An address that
 * does not answer does not harm the run: `log` gets one line, and nothing more is sent until the end.
 * The promise of the last event is over when all has been told.
 */
export function webhookListener(
  address: string,
  folder: string,
  log: (line: string) => void,
): RunListener {
  const run = basename(folder);
  let told: Promise<void> = Promise.resolve();
  let isSilent = false;
  return (event) => {
    const said = sayingOf(event);
    if (said === null) return undefined;
    const isLast = event.kind === "end" || event.kind === "fault";
    const [sentence, fields] = said;
    const text = `${run}: ${sentence}`;
    const message: Message = { run, event: event.kind, text, content: text, ...fields };
    told = told.then(async () => {
      if (isSilent && !isLast) return;
      const fault = await post(address, message);
      if (fault === null || isSilent) return;
      isSilent = true;
      log(
        `webhook: ${new URL(address).host} does not take what is told (${fault}); the run goes on`,
      );
    });
    return isLast ? told : undefined;
  };
}

/** What there is to say of an event, and its numbers; null where nothing. */
function sayingOf(event: RunEvent): [sentence: string, fields: Record<string, unknown>] | null {
  if (event.kind === "start") {
    const { steps, done } = event;
    return [done > 0 ? `goes on after ${done} of ${steps} updates` : `begins, ${steps} updates`, {
      steps,
      done,
    }];
  }
  if (event.kind === "measure") {
    const { step, values } = event;
    return [`after ${step} updates ${numbers(values)}`, { step, values }];
  }
  if (event.kind === "end") {
    const { step, stopped, measured, last } = event.result;
    const values = { ...(last && { loss: last.loss }), ...measured };
    return [`${stopped ? "stopped" : "done"} after ${step} updates, ${numbers(values)}`, {
      step,
      stopped,
      values,
    }];
  }
  return event.kind === "fault" ? ["failed", { error: event.error.name }] : null;
}

const numbers = (values: Readonly<Record<string, number>>): string =>
  Object.entries(values).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    .join(", ");

/** What is wrong with the answer; null where nothing is. */
async function post(address: string, message: Message): Promise<string | null> {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(message),
      signal: AbortSignal.timeout(PATIENCE),
    });
    await answer.body?.cancel();
    return answer.ok ? null : `status ${answer.status}`;
  } catch (fault) {
    return (fault as Error).name === "TimeoutError" ? "no answer" : "it cannot be reached";
  }
}
