/** A fake endpoint of OpenAI's API, whose answers are a function of what it is asked. */
import { hash } from "../../src/random.ts";
import { hashText } from "../../src/curate/words.ts";

/** A request as the endpoint has it. */
export interface Asked {
  readonly path: string;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What it answers in place of an answer. */
export type Instead = (number: number, asked: Asked) => Response | Promise<Response> | null;

/** Runs `use` with the address of an endpoint and all that it was asked. */
export async function withEndpoint(
  use: (url: string, asked: Asked[]) => Promise<void>,
  instead: Instead = () => null,
): Promise<void> {
  const all: Asked[] = [];
  const stop = new AbortController();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", signal: stop.signal, onListen() {} },
    async (request) => {
      const asked = {
        path: new URL(request.url).pathname,
        headers: request.headers,
        body: await request.json(),
      };
      const number = all.push(asked) - 1;
      return await instead(number, asked) ?? answer(asked);
    },
  );
  try {
    await use(`http://127.0.0.1:${server.addr.port}/v1`, all);
  } finally {
    stop.abort();
    await server.finished;
  }
}

/** What a request asks, as text. */
export function promptOf({ body: { prompt, messages } }: Asked): string {
  if (typeof prompt === "string") return prompt;
  return (messages as { content: string }[]).map(({ content }) => content).join("\n");
}

function answer(asked: Asked): Response {
  const text = textFor(promptOf(asked));
  const choice = asked.path.endsWith("/chat/completions")
    ? { message: { role: "assistant", content: text } }
    : { text };
  return Response.json({ choices: [{ index: 0, ...choice, finish_reason: "stop" }] });
}

const VERBS = ["Sort", "Count", "Classify", "Translate", "Explain", "Compare", "Name", "Rewrite"];
const OBJECTS = ["birds", "rivers", "verbs", "coins", "songs", "roads", "colours", "letters"];
const PLACES = ["by size", "in a line", "for a child", "of old towns", "without any numbers"];

/** Tasks as a small model makes them: some good, some alike, some that nobody can use. */
function textFor(prompt: string): string {
  const pick = <T>(list: readonly T[], ...key: number[]): T =>
    list[hash(hashText(prompt), key) % list.length]!;
  if (prompt.startsWith("Come up with a series")) {
    const made = Array.from({ length: 4 }, (_, i) => {
      const words = [VERBS, OBJECTS, PLACES, OBJECTS, PLACES];
      return words.map((list, j) => pick(list, i, j)).join(" ");
    });
    const odd = ["Draw it now please", "Too short", "- do it like this now"];
    return ` ${[...made, pick(odd, 9)].join("\n10. ")}`;
  }
  const task = prompt.trimEnd().split("Task: ").at(-1)!;
  if (task.includes("Is it classification?")) return task.startsWith("Classify") ? " Yes" : " No";
  if (task.startsWith("Classify")) return `Class label: a\nText: ${task}\nClass label: b`;
  const first = `Example 1\nList: ${pick(OBJECTS, 1)}\nOutput: ${pick(VERBS, 2)}`;
  return pick([first, `${first}\nExample 2\nOutput:`, "Nothing of it", `Output: ${task}`], 3);
}
