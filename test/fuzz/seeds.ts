/** Sound rows, templates and chats, and words that templates are damaged with. */

export const ROWS = [
  { instruction: "Add.", input: "1 2", output: "3" },
  { messages: [{ role: "user", content: "Hi!" }, { role: "assistant", content: "Hello." }] },
  { prompt: "Say a.", chosen: "a", rejected: "b" },
  { input_ids: [1, 2, 3, 4], labels: [-100, -100, 3, 4] },
  { conversations: [{ from: "human", value: "Hi" }, { from: "gpt", value: "Ho" }] },
  {
    messages: [
      { role: "user", content: "Two and two?" },
      {
        role: "assistant",
        content: "",
        tool_calls: [{ type: "function", function: { name: "add", arguments: '{"a":2}' } }],
      },
      { role: "tool", content: "4" },
      { role: "assistant", content: "Four." },
    ],
    tools: [{ type: "function", function: { name: "add", parameters: { type: "object" } } }],
  },
  { text: "Once upon a time." },
];

export const CSV = 'instruction,output\n"Name, please.","Ann ""A"""\nAgain,Bob\n';

export const TEMPLATE =
  `{{ bos_token }}{%- for m in messages %}{% if m.role == "user" and loop.first %}
{{ "[" ~ m["content"] | trim | upper ~ "]" }}{% elif m.tool_calls is defined %}{% set x = namespace(n=0) %}
{% for t in m.tool_calls %}{{ t.function | tojson(indent=2) }}{% set x.n = x.n + 1 %}{% endfor %}{% else %}
{% macro f(a, b=2) %}{{ a * b }}{{ "%s-%d" | format(a, b) }}{% endmacro %}{{ f(m.content[:3], b=1) }}
{% generation %}{{ m.content.split(" ")[0].strip() }}{% endgeneration %}{% endif %}{% endfor -%}
{% if add_generation_prompt %}{{ messages | map(attribute="role") | join(",") | replace("s", "z") }}{% endif %}`;

export const WORDS = [
  ...[
    "{% for x in range(99999) %}",
    "{% endfor %}",
    "* 1000000",
    "| replace('', 'xx')",
    "** 99999",
  ],
  ...[
    "{{ x | list * 999 }}",
    "'%99999999d' % 1",
    "| upper * 999",
    "| batch(0)",
    "| slice(0)",
    "| sort",
  ],
  ...[
    "messages",
    "none",
    "true",
    "-1",
    "[::0]",
    "[::-1]",
    "is",
    "in",
    "not",
    "|",
    "{",
    "}",
    "%}",
    "{{",
  ],
  ...[
    "'a'.ljust(99999999)",
    ".join",
    "__class__",
    "constructor",
    "__proto__",
    ".format('{0:99999999}')",
  ],
  ...[
    "| groupby('role')",
    "| indent(9999999)",
    "| center(99999999)",
    "loop",
    "loop.cycle(1)",
    "dict",
  ],
  ...[
    "namespace(a=1)",
    "raise_exception('x')",
    "strftime_now('%Y')",
    "{% set y = y ~ y %}",
    "cycler",
  ],
];

export const TURNS = [
  { role: "user", content: "Two and two?" },
  {
    role: "assistant",
    content: "",
    tool_calls: [{ type: "function", function: { name: "add", arguments: { a: 2 } } }],
  },
  { role: "tool", content: "4" },
  { role: "assistant", content: "Four it is." },
] as const;
