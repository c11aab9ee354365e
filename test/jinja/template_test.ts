import assert from "node:assert/strict";
import { strftimeOf } from "../../src/jinja/globals.ts";
import { CHATS, Template } from "../../src/jinja/template.ts";
import { loads } from "../../src/jinja/values/json.ts";
import type { Dict, Value } from "../../src/jinja/values/value.ts";
import features from "./features.json" with { type: "json" };

/** Without marks, as transformers renders where nothing asks for what was generated. */
const PLAIN = { ...CHATS, generationMarks: ["", ""] } as const;

function variables(): Record<string, Value> {
  const dict = loads(features.variables) as Dict;
  const given = [...dict.entries()].map(([name, value]) => [name as string, value] as const);
  return { ...Object.fromEntries(given), strftime_now: strftimeOf(features.day) };
}

/** The text, or null and why not. */
function rendered(source: string, given: Record<string, Value> = {}): [string | null, string] {
  try {
    return [new Template(source, PLAIN).render(given), ""];
  } catch (error) {
    const { message } = error as Error;
    assert.ok(message.length > 0 && !message.includes("undefined is not"), message);
    return [null, message];
  }
}

for (const { name, source, wanted } of features.cases) {
  Deno.test(`jinja: ${name}, as Python renders it`, () => {
    const [text, why] = rendered(source, variables());
    assert.equal(text, wanted, why);
  });
}

Deno.test("jinja: a filter that is no name is refused in words", () => {
  const [text, why] = rendered("{{ x | upper(' ')[0].strip() }}");
  assert.deepEqual([text, why], [null, "found MemberExpression, wanted the name of a filter"]);
});

/** A template that costs too much, and what stops it. */
const costly: readonly [source: string, message: RegExp][] = [
  ["{% for i in range(90000) %}{% for j in range(90000) %}{% endfor %}{% endfor %}", /more work/],
  ["{% set l = range(90000) %}{% for i in l %}{% set y = l[::1] %}{% endfor %}", /more work/],
  [
    "{% set ns = namespace(l=[1]) %}{% for i in range(30) %}{% set ns.l = [ns.l, ns.l] %}{% endfor %}" +
    "{{ ns.l | tojson }}",
    /more work/,
  ],
  [
    "{% set x = 'ab' * 1250000 %}{% for i in range(40000) %}{% set y = x.replace('a', 'b') %}{% endfor %}",
    /more work/,
  ],
  [
    "{% set x = 'a ' * 1000000 %}{% for i in range(99) %}{% set y = x.split() %}{% endfor %}",
    /more work/,
  ],
  ["{{ [0] * 1000000000 }}", /more work/],
  ["{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", /call stack/],
  ["{{ 2 ** 100000000 }}", /an integer of/],
  ["{{ (2 ** 15000) }}", /digits/],
  ["{{ " + "(".repeat(300) + "1" + ")".repeat(300) + " }}", /more than 200 brackets/],
  ...[
    "'a' * 268000000",
    "'%1000000000d' % 1",
    "'a'.center(1000000000)",
    "'{:1000000000}'.format(1)",
  ]
    .map((costly): [string, RegExp] => [`{{ ${costly} }}`, /a text of more than 20000000/]),
  ...["'a' | indent(1000000000, true)", "('a' * 1000000).replace('a', 'b' * 1000000)"]
    .map((costly): [string, RegExp] => [`{{ ${costly} }}`, /a text of more than 20000000/]),
  ["{{ (['a' * 1000000] * 1000) | join }}", /a text of more than 20000000/],
];

Deno.test("jinja: what one rendering may cost is bounded, in work and in memory", () => {
  for (const [source, message] of costly) {
    const [text, why] = rendered(source);
    assert.equal(text, null, source);
    assert.match(why, message, source);
  }
});

Deno.test("jinja: a fault of the syntax has its line", () => {
  const faults: [string, RegExp][] = [
    ["a\nb{{ 1 ; 2 }}", /line 2: unexpected ";"/],
    ["{{ 1 ", /line 1: a tag is not closed by }}/],
    ["\n\n{# a", /line 3: {# is not closed/],
    ["{% raw %}a", /raw is not closed/],
    ["{{ ) }}", /'\)' closes nothing/],
    ["{% if true %}", /ends inside of a statement/],
    ["{{ x is }}", /`is` without the name of a test/],
  ];
  for (const [source, message] of faults) assert.match(rendered(source)[1], message);
});

Deno.test("jinja: JSON is read and written as Python reads and writes it", () => {
  const exact =
    '{"b": 9007199254740993, "a": [10.0, 1e-07, -0.0, 1e+16, true, null], "2": "é", "1": {}}';
  const options: [json: string, written: string][] = [
    [exact, exact],
    ['[1E5, 0.1e1, 1.50, "\\u00e9\\/"]', '[100000.0, 1.0, 1.5, "é/"]'],
  ];
  for (const [json, written] of options) {
    const [text, why] = rendered("{{ x | tojson }}", { x: loads(json) });
    assert.equal(text, written, why);
  }
  for (const wrong of ["", "[1,]", "{a: 1}", "01", '"\n"', "[1] 2", '{"a" 1}', "tru"]) {
    assert.throws(() => loads(wrong), SyntaxError, wrong);
  }
});
