"""Chats with tools as transformers renders and tokenizes them, for test/data/tokenize/tools_test.ts.

    pip install transformers==5.24.0 jinja2 tokenizers
    deno eval 'import { byteLevelTokenizer as t } from "./test/data/tokenize/tokenizers.ts"
      console.log(JSON.stringify(t()))' > tokenizer.json
    python test/data/tokenize/make_tools_golden.py tokenizer.json     # from the root of the repository

The templates are small ones after those of Qwen 2.5, Llama 3.1 and Qwen 3 Coder.
"""

import json
import pathlib
import sys

from tokenizers import Tokenizer
from transformers.utils.chat_template_utils import render_jinja_template

TEMPLATES = {
    "hermes": """{%- if tools %}
{{- '<|im_start|>system\\n# Tools\\n' }}
{%- for tool in tools %}{{- tool | tojson }}{{- '\\n' }}{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- for message in messages %}
{%- if message.role == 'tool' %}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' }}
{%- else %}
{{- '<|im_start|>' + message.role }}
{%- if message.content %}{{- '\\n' + message.content }}{%- endif %}
{%- for call in message.tool_calls or [] %}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' }}
{{- call.function.arguments | tojson }}{{- '}\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}""",
    "header": """{{- bos_token }}
{%- if tools is not none %}
{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' + tools | tojson(indent=2) + '<|eot_id|>' }}
{%- endif %}
{%- for message in messages %}
{%- if message.tool_calls %}
{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{{- message.content }}
{%- for call in message.tool_calls or [] %}
{{- '{"name": ' + call.function.name | tojson + ', "parameters": ' }}
{{- call.function.arguments | tojson + '}' }}
{%- endfor %}
{{- '<|eot_id|>' }}
{%- elif message.role == 'tool' %}
{{- '<|start_header_id|>ipython<|end_header_id|>\\n\\n' + message.content | tojson + '<|eot_id|>' }}
{%- else %}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' }}
{{- message.content | trim + '<|eot_id|>' }}
{%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{%- endif %}""",
    "thoughts": """{%- for tool in tools %}{{- tool.function.name + '\\n' }}{%- endfor %}
{%- for message in messages %}
{{- '<|im_start|>' + message.role + '\\n' + message.content }}
{%- for call in message.tool_calls or [] %}
{{- '<tool_call>\\n<function=' + call.function.name + '>\\n' }}
{%- for name, value in call.function.arguments.items() %}
{{- '<parameter=' + name + '>\\n' }}{{- value if value is string else value | tojson }}{{- '\\n' }}
{%- endfor %}
{{- '</function>\\n</tool_call>' }}
{%- endfor %}
{{- '<|im_end|>\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n<think>\\n' }}{%- endif %}""",
}


def call(name, **arguments):
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


def tool(name):
    parameters = {"type": "object", "properties": {"city": {"type": "string"}}}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


CHATS = [
    [
        {"role": "user", "content": "Weather in \"Köln\"?"},
        {"role": "assistant", "content": "", "tool_calls": [call("weather", city="Kö\"ln\"", days=2)]},
        {"role": "tool", "content": "{\"rain\": true}", "name": "weather"},
        {"role": "assistant", "content": "It rains."},
        {"role": "user", "content": "And there?"},
        {
            "role": "assistant",
            "content": "Let me look.",
            "tool_calls": [call("weather", city="Rome"), call("now")],
        },
        {"role": "tool", "content": "dry"},
        {"role": "tool", "content": "noon"},
        {"role": "assistant", "content": "It is dry."},
    ],
]
TOOLS = [tool("weather"), tool("now")]

tokenizer = Tokenizer.from_file(sys.argv[1])
cases = []
for name, template in TEMPLATES.items():
    for messages in CHATS:
        bos = "<|begin_of_text|>" if name == "header" else None
        texts, _ = render_jinja_template(
            [messages], tools=TOOLS, chat_template=template, bos_token=bos, eos_token="</s>"
        )
        ids = tokenizer.encode(texts[0], add_special_tokens=False).ids
        text_ids = {"text": texts[0], "ids": " ".join(map(str, ids))}
        cases.append({"name": name, "bos": bos, "template": template, "messages": messages, **text_ids})
path = pathlib.Path(__file__).parent / "tools_golden.json"
path.write_text(json.dumps({"tools": TOOLS, "cases": cases}, indent=1, ensure_ascii=False) + "\n")
