/**
 * What a command may touch, worked out from its arguments and its configuration: it may read what
 * they name, and write where they say.
 *
 * @module
 */
import { homedir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { findMpi, MPI_VARIABLES } from "../../distributed/mpi/library.ts";
import { cacheFolder } from "../../io/cache.ts";
import { parseDatasetName } from "../../io/hub/datasets/name.ts";
import { parseRepoName } from "../../io/hub/name.ts";
import { type HubPlaces, hubPlaces } from "../../io/hub/settings.ts";
import { certificateOf, droppedBeside, imatrixOf, modelfileOf } from "../lib/beside.ts";
import type { Grants } from "./confine.ts";
import {
  configIn,
  isThere,
  jsonIn,
  jsonOf,
  ledToBy,
  namesBaseElsewhere,
  placesOf,
  runAround,
  stringsIn,
  stringsOf,
  type Value,
  valuesOf,
  wordsOf,
} from "./named.ts";
import { type Rule, RULES, SYSTEM, VARIABLES, WORDS } from "./rules.ts";

/** This project: its modules, its kernels and the quickstart; a folder, or on a server. */
const PROJECT = new URL("../../../", import.meta.url);
const [FOLDER, SERVERS] = PROJECT.protocol === "file:"
  ? [fileURLToPath(PROJECT), []]
  : [null, [PROJECT.host]];

/** Addresses of the hub's files, to which it sends on. */
const HUB_HOSTS = ["huggingface.co", "*.huggingface.co", "hf.co", "*.hf.co"];
/** The same of what is uploaded. */
const UPLOAD_HOSTS = ["*.amazonaws.com"];

/**
 * The permissions of a command line; `mark` is in the names of the command's temporary files.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * const { write, net } = await grantsOf(["merge", "./runs/mine", "--out", "/models/merged"], "0a1b2c3d");
 * assert.ok(write.includes("/models/merged") && !write.includes("/models"));
 * assert.deepEqual(net, []);
 * ```
 */
export async function grantsOf(
  [command = "", ...args]: readonly string[],
  mark: string,
): Promise<Grants> {
  const rule = (Object.hasOwn(RULES, command) && RULES[command]) || {};
  const values = valuesOf(args).filter(({ flag }) => !WORDS.includes(flag ?? ""));
  const configs = await configsOf(rule, values);
  const named = namedBy(values, configs);
  const runs = runsOf(rule, values);
  const removes = args.includes("--files");
  const written = [
    ...outputsOf(rule, values, configs, named).flatMap((path) => withTemporary(path, mark)),
    ...runs.map((folder) => removes ? folder : join(folder, "runs.sqlite")),
    ...[cacheFolder(), temporaryFolder()],
  ];
  const hub = rule.hub === undefined && !rule.cache ? null : knownHub();
  const mpi = isDistributed(rule, values, configs) ? findMpi() : null;
  const isAsked = rule.hub !== undefined && hub !== null && !hub.offline &&
    leadsToHub(named.filter(({ path }) => !written.includes(path)));
  return {
    read: [
      ...(FOLDER === null ? [] : [FOLDER]),
      ...[...written, ...runs],
      ...(hub ? [hub.cache] : []), // what is in it needs no network
      ...(isAsked ? [hub.tokenFile] : []),
      ...named.flatMap(({ path }) => [path, ...ledToBy(path)]),
      ...(mpi === null ? [] : [mpi]),
    ],
    write: [...written, ...(isAsked ? [hub.cache] : [])],
    net: [
      ...(isAsked ? hostsOf(rule, hub.endpoint) : []),
      ...listensAt(rule, values),
      ...endpointsOf(values, configs),
    ],
    import: SERVERS,
    env: [
      ...[...VARIABLES, ...rule.env ?? []],
      ...(isDistributed(rule, values, configs) ? MPI_VARIABLES : []),
    ],
    ffi: [...librariesOf(values), ...(mpi === null ? [] : [mpi])],
    sys: SYSTEM,
  };
}

/** A path that is named, and the word for it. */
interface Named {
  readonly word: string;
  readonly path: string;
}

interface ConfigFile {
  readonly path: string;
  readonly fields: Record<string, unknown>;
}

/** The configurations of a command line, and a file of tasks, which is like one. */
async function configsOf(rule: Rule, values: readonly Value[]): Promise<ConfigFile[]> {
  const files: ConfigFile[] = [];
  for (const { flag, text } of values) {
    const isConfig = flag === "rewards" ||
      rule.config && !flag?.includes(".") && !["data", "model"].includes(flag ?? "");
    const fields = isConfig ? await configIn(text) : jsonIn(text);
    const isSuite = Array.isArray(fields?.["tasks"]);
    if (fields !== null && (isConfig || isSuite)) files.push({ path: text, fields });
  }
  const isNamed = files.length > 0 || values.some(({ flag }) => flag === "model");
  if (!rule.quickstart || isNamed) return files;
  const quickstart = join(FOLDER ?? "", "configs/quickstart/train.json");
  return [{ path: quickstart, fields: jsonIn(quickstart) ?? {} }];
}

/** Everything that is named, in the folder that it is named in. */
function namedBy(values: readonly Value[], configs: readonly ConfigFile[]): Named[] {
  const places = (folder: string, word: string) =>
    placesOf(folder, word).map((path) => ({ word, path }));
  return [
    ...values.flatMap(({ text }) => wordsOf(text).flatMap((word) => places(".", word))),
    ...configs.flatMap(({ path, fields }) => [
      ...places(".", path),
      ...stringsIn(fields).flatMap((word) => places(dirname(path), word)),
    ]),
  ];
}

/** Where the command writes, its own caches left out. */
function outputsOf(
  rule: Rule,
  values: readonly Value[],
  configs: readonly ConfigFile[],
  named: readonly Named[],
): string[] {
  const { writes = [], out, history } = rule;
  const given = values.filter(({ flag }) => writes.includes(flag ?? "")).map(({ text }) => text);
  const inConfig = configs.map(({ fields }) => fields["out"])
    .filter((text) => typeof text === "string");
  const isTold = values.some(({ flag }) => flag === "out");
  const outputs = [...given, ...(isTold ? [] : [inConfig[0] ?? out])]
    .filter((path) => path !== undefined).map((path) => resolve(path));
  const around = named.map(({ path }) => runAround(path)).filter((run) => run !== null);
  return [
    ...outputs.flatMap((path) => [
      ...[path, imatrixOf(path)].flatMap((name) => [name, `${name}.unproven`]),
      ...[droppedBeside(path), modelfileOf(path), certificateOf(path)],
    ]),
    ...(history ? [...outputs, ...around].map((path) => join(dirname(path), "runs.sqlite")) : []),
  ];
}

/** The folder of runs that is shown: that of `--from`, or of a run that is named. */
function runsOf({ runs }: Rule, values: readonly Value[]): string[] {
  if (runs === undefined) return [];
  const from = values.find(({ flag }) => flag === "from")?.text;
  const run = values.map(({ text }) => text).find((text) => text !== basename(text));
  return [resolve(from ?? (run === undefined ? runs : dirname(resolve(run))))];
}

/** A path, and the name under which it is written until it is whole. */
const withTemporary = (path: string, mark: string) => [
  path,
  join(dirname(path), `.${basename(path)}.${mark}.tmp`),
];

/** Where the system keeps temporary files. */
function temporaryFolder(): string {
  const names = Deno.build.os === "windows" ? ["TMP", "TEMP"] : ["TMPDIR"];
  const named = names.map((name) => Deno.env.get(name)).find((path) => path);
  if (named !== undefined) return resolve(named);
  return Deno.build.os === "windows" ? join(homedir(), "AppData/Local/Temp") : "/tmp";
}

/** Null where a variable makes no sense, which the command says when it asks. */
function knownHub(): HubPlaces | null {
  try {
    return hubPlaces();
  } catch {
    return null;
  }
}

/** Whether something that is named may be on the hub: it is no path of this machine. */
function leadsToHub(named: readonly Named[]): boolean {
  return named.some(({ word, path }) =>
    (parseRepoName(word) ?? parseDatasetName(word)) !== undefined && !isThere(path) ||
    namesBaseElsewhere(path)
  );
}

/** The endpoint's own host, and those below it: a mirror may keep its files there. */
function hostsOf({ hub }: Rule, endpoint: string): string[] {
  const { hostname } = new URL(endpoint);
  const below = /\.[a-z]+$/i.test(hostname) ? [`*.${hostname}`] : [];
  return [hostname, ...below, ...HUB_HOSTS, ...(hub === "write" ? UPLOAD_HOSTS : [])];
}

/** The addresses of servers that answer in a model's place, or judge answers. */
function endpointsOf(values: readonly Value[], configs: readonly ConfigFile[]): string[] {
  const told = values.flatMap(({ flag, text }) =>
    /(^|\.)endpoint$/.test(flag ?? "") ? [text] : stringsOf("endpoint", jsonOf(text))
  );
  return [...told, ...configs.flatMap(({ fields }) => stringsOf("endpoint", fields))]
    .filter((address) => URL.canParse(address)).map((address) => new URL(address).host);
}

/** Another WebGPU is a library, which no permission binds: whoever names one must have allowed it. */
function librariesOf(values: readonly Value[]): string[] {
  const named = values.find(({ flag }) => flag === "webgpu")?.text;
  if (named === undefined) return [];
  const path = resolve(named);
  return Deno.permissions.querySync({ name: "ffi", path }).state === "granted" ? [path] : [];
}

/** Whether the command trains among ranks; whoever starts it so must have allowed libmpi. */
function isDistributed(
  { ranks }: Rule,
  values: readonly Value[],
  configs: readonly ConfigFile[],
): boolean {
  if (!ranks) return false;
  const told = values.findLast(({ flag }) => flag === "distributed")?.text;
  return (told ??
    configs.findLast(({ fields }) => "distributed" in fields)?.fields["distributed"]) ===
    "mpi";
}

function listensAt({ port }: Rule, values: readonly Value[]): string[] {
  if (port === undefined) return [];
  const value = (name: string) => values.find(({ flag }) => flag === name)?.text;
  const host = value("host") ?? "127.0.0.1";
  const address = `${host.includes(":") ? `[${host}]` : host}:${value("port") ?? port}`;
  return URL.canParse(`http://${address}`) ? [address] : []; // else the command refuses it
}
