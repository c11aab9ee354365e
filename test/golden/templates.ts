/**
 * Renders published chat templates and compares each text with what Python made of it:
 * `deno run -A test/golden/templates.ts FOLDER ...`, the folders of `make_templates.py`.
 */

import { createHash } from "node:crypto";
import { strftimeOf } from "../../src/jinja/globals.ts";
import { CHATS, Template } from "../../src/jinja/template.ts";
import { loads } from "../../src/jinja/values/json.ts";
import type { Dict, Value } from "../../src/jinja/values/value.ts";
import published from "../jinja/published.json" with { type: "json" };

type Published = Record<string, { readonly name: string; readonly texts: string }>;

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const counts = { templates: 0, same: 0, refused: 0, differs: 0, onlyPython: 0, onlyHere: 0 };

function variablesOf(json: string): Record<string, Value> {
  const given = [...(loads(json) as Dict).entries()].map(([name, value]) => [name, value]);
  return { ...Object.fromEntries(given), strftime_now: strftimeOf(published.day) };
}

function* filesIn(folder: string): Iterable<string> {
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    if (isDirectory) yield* filesIn(`${folder}/${name}`);
    else if (name.endsWith(".jinja")) yield `${folder}/${name}`;
  }
}

/** The text, or why there is none. */
function rendered(source: string, json: string): { text: string } | { why: string } {
  try {
    const environment = { ...CHATS, generationMarks: ["", ""] as const };
    return { text: new Template(source, environment).render(variablesOf(json)) };
  } catch (error) {
    return { why: (error as Error).message };
  }
}

function kindOf(got: string, wanted: string): Exclude<keyof typeof counts, "templates"> {
  if (got === wanted) return got === "-" ? "refused" : "same";
  if (got === "-") return "onlyPython";
  return wanted === "-" ? "onlyHere" : "differs";
}

const sources = new Map(
  Deno.args.flatMap((folder) => [...filesIn(folder)]).map((path) => Deno.readTextFileSync(path))
    .map((source) => [sha256(source), source]),
);
for (const [hash, { name, texts }] of Object.entries(published.templates as Published)) {
  const source = sources.get(hash);
  if (source === undefined) continue;
  counts.templates++;
  Object.entries(published.conversations).forEach(([conversation, json], i) => {
    const [found, wanted] = [rendered(source, json), texts.split(" ")[i]!];
    const got = "text" in found ? sha256(found.text).slice(0, 16) : "-";
    const kind = kindOf(got, wanted);
    counts[kind]++;
    if (kind === "same" || kind === "refused") return;
    console.log(
      `${kind}: ${name}, ${conversation}: ${"why" in found ? found.why : found.text.slice(0, 300)}`,
    );
  });
}
console.log(JSON.stringify(counts));
