/** A model at hand, and the same behind `deno task serve`. */
import assert from "node:assert/strict";
import { openModel } from "../../src/inference/open.ts";
import { EndpointWriter } from "../../src/self_instruct/writers/endpoint.ts";
import { ModelWriter } from "../../src/self_instruct/writers/model.ts";
import type { Answer, Numbered, Writer } from "../../src/self_instruct/writers/writer.ts";
import { engine } from "../harness.ts";
import { listen } from "../../src/http/server.ts";
import { routesOf } from "../../src/serve/routes.ts";
import { withServed } from "../serve/served_tiny.ts";

const REQUESTS: Numbered[] = [
  { number: 4, request: { kind: "text", text: "once upon" } },
  { number: 1, request: { kind: "instruction", instruction: "say a", input: "of it" } },
  { number: 2, request: { kind: "chat", turns: [{ role: "user", content: "say b" }] } },
];

async function write(writer: Writer, presencePenalty: number): Promise<Answer[]> {
  const answers: Answer[] = [];
  const sampling = { maxTokens: 12, stop: ["q"], seed: 3, presencePenalty };
  await writer.write(REQUESTS, sampling, (found) => {
    for (const [number, answer] of found) answers[number] = answer;
  });
  return answers;
}

Deno.test("an endpoint answers as the model does that it has", () =>
  withServed(async (served, folder) => {
    const server = listen(routesOf(served), { hostname: "127.0.0.1", port: 0, token: null });
    await using _ = { [Symbol.asyncDispose]: () => server.shutdown() };
    const address = `http://127.0.0.1:${server.addr.port}`;
    const options = { key: null, timeout: 60_000, parallel: 2 };
    const endpoint = new EndpointWriter({ url: `${address}/v1`, model: "base", ...options });
    const { device } = await engine();
    using open = openModel(device, folder);
    using model = await ModelWriter.open(open, { context: 200, slots: 2 });
    for (const penalty of [0, 1.5]) {
      const own = await write(model, penalty);
      assert.deepEqual(await write(endpoint, penalty), own);
      assert.equal(Object.keys(own).length, 3);
    }
    assert.ok(model.fits("once upon", 100) && !model.fits("once upon", 195));
    const long = { number: 0, request: { kind: "text", text: "a.".repeat(400) } } as const;
    await model.write([long, REQUESTS[0]!], { maxTokens: 2, stop: [], seed: 0 }, (found) => {
      const [[, refused], [, answer]] = found as [[number, Answer], [number, Answer]];
      assert.match(
        (refused as { refused: string }).refused,
        /found a prompt of \d+ tokens, wanted/,
      );
      assert.ok("text" in answer);
    });
  }));
