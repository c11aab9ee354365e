/** A run in a process of its own: `child.ts FOLDER UPDATES`; without an end where UPDATES is below 0. */
import { historyListener } from "../../src/runs/history/listener.ts";
import { claimed, end, start, unexpected, update } from "./happenings.ts";

const [out, updates] = Deno.args as [string, string];
claimed(out); // until the process ends
const listen = historyListener(out, unexpected);
const count = Math.abs(Number(updates));
listen(start(out, { steps: count }));
for (let step = 0; step < count; step++) listen(update(step, step));
if (Number(updates) > 0) listen(end(count));
else {
  console.log("under way");
  setInterval(() => {}, 1000); // until it is killed
}
