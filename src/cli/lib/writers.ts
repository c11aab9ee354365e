/**
 * What answers on a command line: a model at hand, or one behind an endpoint.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename } from "node:path";
import { dayOf, type TemplateSetting, today } from "../../data/mod.ts";
import { ConfigError } from "../../errors.ts";
import { type OpenModel, openModel } from "../../inference/open.ts";
import { openFile, readAt } from "../../io/files.ts";
import { settingsIn } from "../../self_instruct/folder.ts";
import { EndpointWriter } from "../../self_instruct/writers/endpoint.ts";
import { ModelWriter } from "../../self_instruct/writers/model.ts";
import type { Writer } from "../../self_instruct/writers/writer.ts";
import { openTuned } from "../../tune/cache.ts";
import type { Arguments, Flag } from "./args.ts";
import { fetchFolder } from "./hub.ts";
import { numberOf } from "./number.ts";
import { QUANTIZE_FLAG, quantizeOf } from "./quantize.ts";
import { dim, say } from "./term.ts";

/** Where the key of an endpoint is looked for. */
export const KEY = "OPENAI_API_KEY";

/** The flags that say who answers, and what is around what is asked. */
export const WRITER_FLAGS: Readonly<Record<string, Flag>> = {
  endpoint: { type: "string", help: "address of OpenAI's API up to /v1" },
  timeout: { type: "string", help: "seconds that an endpoint may take to answer; 120" },
  parallel: { type: "string", help: "requests to an endpoint at a time; 4" },
  adapter: { type: "string", help: "PEFT folder, folder of a run or name on the hub" },
  ...QUANTIZE_FLAG,
  context: { type: "string", help: "most tokens of prompt and answer; 2048" },
  template: { type: "string", help: "template of rows; the model's own by default" },
  system: { type: "string", help: "what the system says before a row" },
  date: { type: "string", help: "day that the template is told (YYYY-MM-DD); today by default" },
};

/** Calls `use` with what answers, and the model where it is at hand. */
export async function withWriter<T>(
  parsed: Arguments,
  slots: number,
  use: (writer: Writer, open: OpenModel | null) => Promise<T>,
): Promise<T> {
  const { positionals: [place], flags } = parsed;
  if (flags["endpoint"] !== undefined) return await use(endpointOf(parsed), null);
  const context = numberOf(flags, "context", 2048, { least: 64, whole: true });
  const folder = await fetchFolder(place!, "model");
  const adapter = flags["adapter"] && await fetchFolder(flags["adapter"], "adapter");
  using device = await openTuned({}, say);
  using open = openModel(device, folder, adapter, { quantize: quantizeOf(flags), say });
  const { system } = flags;
  const template = templateOf(flags);
  using writer = await ModelWriter.open(open, {
    context,
    slots,
    ...(template !== undefined && { template }),
    ...(system !== undefined && { system }),
    date: dayOfRun(flags),
  });
  return await use(writer, open);
}

/** The template that is named, by its name or as a file. */
export const templateOf = ({ template }: Arguments["flags"]): TemplateSetting | undefined =>
  template?.endsWith(".jinja") ? { file: template } : template;

function endpointOf({ positionals: [model], flags }: Arguments): EndpointWriter {
  const url = flags["endpoint"]!.replace(/\/+$/, "");
  if (!/^https?:\/\/\S+$/.test(url)) {
    throw new ConfigError(`Found --endpoint ${flags["endpoint"]}, wanted http(s)://HOST/v1`);
  }
  const { system } = flags;
  return new EndpointWriter({
    url,
    model: model!,
    key: Deno.env.get(KEY) ?? null,
    timeout: 1000 * numberOf(flags, "timeout", 120, { least: 0.001 }),
    parallel: numberOf(flags, "parallel", 4, { least: 1, whole: true }),
    ...(system !== undefined && { system }),
    say: (line) => say(dim(line)),
  });
}

/** The day that templates are told: a run that goes on stays at the day on which it began. */
export function dayOfRun({ date, out }: Arguments["flags"]): string {
  if (date !== undefined) return dayOf(date);
  const known = settingsIn(out!)["date"];
  return typeof known === "string" ? dayOf(known) : today();
}

/** A model as rows name it. */
export const nameOf = (place: string, { endpoint, adapter }: Arguments["flags"]): string => {
  const name = endpoint === undefined ? basename(place) : place;
  return adapter === undefined ? name : `${name} with ${basename(adapter)}`;
};

/** A hash of what is in a file. */
export function hashOf(path: string): string {
  using file = openFile(path);
  const bytes = readAt(file, path, new Uint8Array(file.statSync().size), 0);
  return createHash("sha256").update(bytes).digest("hex");
}
