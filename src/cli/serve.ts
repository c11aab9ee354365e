/**
 * `deno task serve`: a server that answers with a model and its adapters.
 *
 * @module
 */
import { basename } from "node:path";
import { ConfigError } from "../errors.ts";
import { openTuned } from "../tune/cache.ts";
import { openModel } from "../inference/open.ts";
import { isLoopback } from "../http/gate.ts";
import { addressOf, listen, untilInterrupted } from "../http/server.ts";
import { routesOf } from "../serve/routes.ts";
import { Served } from "../serve/served.ts";
import { type Command, parseArguments } from "./lib/args.ts";
import { fetchFolder } from "./lib/hub.ts";
import { namedFolders } from "./lib/named.ts";
import { numberOf } from "./lib/number.ts";
import { QUANTIZE_FLAG, quantizeOf } from "./lib/quantize.ts";
import { answer, dim, say } from "./lib/term.ts";

const COMMAND: Command = {
  usage: "serve MODEL [--adapter NAME=ADAPTER]...",
  summary:
    "Answers over HTTP as OpenAI's API does, with the base and each adapter by its name, and " +
    "has a page to chat in.",
  flags: {
    adapter: {
      type: "string",
      many: true,
      help: "NAME=PEFT folder, folder of a run or name on the hub; may be given again",
    },
    name: { type: "string", help: "what the base is called; its folder's name by default" },
    ...QUANTIZE_FLAG,
    host: { type: "string", help: "address to listen on; 127.0.0.1 by default" },
    port: { type: "string", help: "port; 8000 by default, 0 for a free one" },
    context: { type: "string", help: "most tokens of a prompt with its answer; 2048 by default" },
    slots: { type: "string", help: "most answers under way at a time; 8 by default" },
    queue: { type: "string", help: "most requests that wait beside them; 64 by default" },
    quiet: { type: "boolean", help: "say nothing of each request" },
  },
  positionals: [1, 1],
  config: false,
};

/** Where the token comes from: a command line can be read by others of the machine. */
const TOKEN = "GRAFT_API_KEY";

/** Runs the command; resolves to the exit code. */
export async function run(args: string[]): Promise<number> {
  const { positionals: [place], flags, lists } = parseArguments(COMMAND, args);
  const count = (name: string, byDefault: number, least = 1) =>
    numberOf(flags, name, byDefault, { least, whole: true });
  const size = {
    context: count("context", 2048, 8),
    slots: count("slots", 8),
    waiting: count("queue", 64, 0),
  };
  const gate = {
    hostname: flags["host"] ?? "127.0.0.1",
    port: numberOf(flags, "port", 8000, { least: 0, most: 65535, whole: true }),
    token: Deno.env.get(TOKEN) || null,
  };
  if (gate.token === null && !isLoopback(gate.hostname)) {
    throw new ConfigError(
      `--host: found ${gate.hostname}, which others reach; wanted a token in ${TOKEN} beside it`,
    );
  }
  const named = namedFolders(lists["adapter"] ?? []);
  const quantize = quantizeOf(flags);
  const folder = await fetchFolder(place!, "model");
  const adapters = new Map<string, string>();
  for (const [name, place] of named) adapters.set(name, await fetchFolder(place, "adapter"));
  using device = await openTuned({}, say);
  using open = openModel(device, folder, undefined, { quantize, say });
  const base = flags["name"] ?? basename(folder);
  using served = await Served.open(open, base, adapters, size);
  const onRequest = (line: string) => flags["quiet"] === undefined && say(dim(line));
  const server = listen(routesOf(served), { ...gate, onRequest });
  const address = addressOf(server);
  answer(`${address}/v1 answers as ${served.names.join(", ")}; ${address}/ is a page to chat in`);
  say(dim(`${served.slots} answers at a time of ${served.context} tokens; Ctrl-C ends`));
  return await untilInterrupted(server, () => {
    say(dim("ending: what is under way is cut; once more ends at once"));
    served.queue[Symbol.dispose]();
  });
}
