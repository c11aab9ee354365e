"""Renders of chat templates by Python's Jinja, as transformers sets it up.

    pip install transformers==5.24.0 jinja2==3.1.6
    python test/golden/make_templates.py                 # test/jinja/features.json
    python test/golden/make_templates.py FOLDER ...      # test/jinja/published.json

Without arguments, one-feature templates of this project's own with the text that Python makes of them,
null where it refuses. With folders of published templates (*.jinja), what each makes of a set of
conversations, as hashes: no template of others is kept here, only the hash of its source.
"""

import hashlib
import json
import pathlib
import sys
from datetime import datetime

from transformers.utils import chat_template_utils

ROOT = pathlib.Path(__file__).parents[2]
DAY = datetime(2026, 3, 7)

MESSAGES = [
    {"role": "system", "content": "  Be brief.\n"},
    {"role": "user", "content": "Grüße, \"you\" & <me> 😀"},
    {"role": "assistant", "content": "", "tool_calls": [
        {"id": "call_1", "type": "function",
         "function": {"name": "add", "arguments": {"b": 9007199254740993, "a": 10.0, "tiny": 1e-07, "10": True, "2": None}}},
    ]},
    {"role": "tool", "tool_call_id": "call_1", "name": "add", "content": "{\"sum\": 3}"},
    {"role": "assistant", "content": "It's three.\r\nOr 3.\n", "reasoning_content": "One and two."},
]
TOOLS = [
    {"type": "function", "function": {
        "name": "add", "description": "Adds 'a' and \"b\".",
        "parameters": {"type": "object", "properties": {
            "b": {"type": "number", "enum": [1, 2.5]},
            "a": {"type": ["integer", "null"], "default": None},
        }, "required": ["b", "a"]},
    }},
]

FEATURES = {
    # White space around tags
    "text alone": "plain text\n",
    "two line ends at the end": "a\n\n",
    "line end of Windows": "a\r\nb\r\n",
    "line end of old Macs": "a\rb",
    "trim after a statement": "{% if true %}\nx\n{% endif %}\ny",
    "trim after a comment": "a{# c #}\nb",
    "no trim after an expression": "{{ 1 }}\nb",
    "plus keeps the line end": "{% if true +%}\nx{% endif %}",
    "plus keeps the indentation": "a\n    {%+ if true %}x{% endif %}",
    "indentation before a statement": "a\n    {% if true %}x{% endif %}",
    "indentation before an expression": "a\n    {{ 1 }}",
    "indentation before a comment": "a\n  \t{# c #}b",
    "indentation at the start": "   {% set x = 1 %}{{ x }}",
    "text before a statement on its line": "a  {% if true %}x{% endif %}",
    "dash left": "a  \n {%- if true %}x{% endif %}",
    "dash right": "{% if true -%}\n\n  x{% endif %}",
    "dashes of an expression": "a \n{{- 1 -}}\n b",
    "dashes of a comment": "a \n{#- c -#}\n b",
    "plus of a comment": "a\n  {#+ c #}b",
    "dash at both ends of a line": "  {%- set x = 1 -%}  \n  {{ x }}",
    "tags on their own lines": "{% for i in [1, 2] %}\n  {% if i == 1 %}\n    one\n  {% endif %}\n{% endfor %}\nend",
    "blank lines between tags": "{% set a = 1 %}\n\n{% set b = 2 %}\n{{ a }}",
    "form feed and unit separator are blank": "a\x0c\x1f{%- if true %}b{% endif %}",
    "no-break space is blank": "a\u00a0{{- 1 }}",
    "byte order mark is not blank": "a\ufeff{{- 1 }}",
    "comment over lines": "a{# one\ntwo {{ three }} #}b",
    "comment holds a statement": "a{# {% endif %} #}b",
    "raw": "{% raw %}{{ x }}{% y %}{# z #}{% endraw %}",
    "raw with dashes": "a {%- raw -%} {{ x }} {%- endraw -%} b",
    "raw trims": "{% raw %}\n  a\n  {% endraw %}\nb",
    "braces in text": "{ a } {b} } } {",
    "percent in text": "100 % {%- if true %} %}{% endif %}",
    # Literals
    "escapes": r"{{ '\n|\t|\\|\'|\"|\x41|\u00e9|\U0001F600|\101|\q' }}",
    "escape of a line end": "{{ 'a\\\nb' }}",
    "both quotes": "{{ \"it's\" ~ 'so \"it\"' }}",
    "adjacent literals": "{{ 'a' \"b\" 'c' }}",
    "literal over lines": "{{ 'a\n  b' }}",
    "tag in a literal": "{{ '{% x %} {{ y }} }}' }}",
    "integers": "{{ 1_000 }} {{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 00 }}",
    "large integers": "{{ 9007199254740993 }} {{ 2 ** 100 }} {{ -9007199254740993 + 1 }}",
    "floats": "{{ 1.0 }} {{ 1.5e3 }} {{ 1e16 }} {{ 1e-5 }} {{ 0.0001 }} {{ 1e22 }} {{ 123456789.125 }}",
    "small floats": "{{ 1e-7 }} {{ 2.5e-10 }} {{ 1.0e-4 }} {{ -0.00001234 }}",
    "exponent without a dot": "{{ 1e3 }} {{ 2E2 }}",
    "constants in both cases": "{{ true }}{{ True }}{{ false }}{{ False }}{{ none }}{{ None }}",
    "lists": "{{ [1, 'a', none, true, 1.5, [], {}, ()] }}",
    "dict": "{{ {'a': 1, 2: 'b', none: 3, 1.5: [1]} }}",
    "dict with equal keys": "{{ {1: 'a', 1.0: 'b', true: 'c'} }}",
    "tuples": "{{ (1, 2) }} {{ (1,) }} {{ () }} {{ (1) }}",
    "trailing commas": "{{ [1, 2,] }}{{ {'a': 1,} }}",
    "tuple without brackets": "{{ 1, 'a' }}",
    "dict in an expression's braces": "{{ {'a': {'b': 1}}['a']['b'] }}",
    # str() and repr()
    "repr of quotes": "{{ [\"it's\", 'say \"x\"', \"both ' and \\\"\"] }}",
    "repr of controls": "{{ ['a\\nb\\tc\\rd\\\\e', '\\x00\\x7f\\x1b'] }}",
    "repr of unicode": "{{ ['é😀日', '\\u00a0\\u200b\\u2028\\ue000'] }}",
    "str of views": "{{ {'a': 1}.keys() }} {{ {'a': 1}.values() }} {{ {'a': 1}.items() }}",
    "str of a range": "{{ range(3) }} {{ range(1, 5) }} {{ range(5, 1, -2) }}",
    "str of a namespace": "{{ namespace(a=1, b='x') }}",
    "str of a message": "{{ messages[3] }}",
    "undefined prints nothing": "[{{ missing }}][{{ messages[0].missing }}]",
    "str of a deep list": "{{ tools[0].function.parameters }}",
    # Operators
    "sums": "{{ 1 + 2 }} {{ 1 + 2.0 }} {{ 'a' + 'b' }} {{ [1] + [2] }} {{ (1,) + (2,) }} {{ true + 1 }}",
    "products": "{{ 2 * 3 }} {{ 'ab' * 3 }} {{ [0] * 2 }} {{ 2 * 'x' }} {{ 'a' * -1 }} {{ 1.5 * 2 }}",
    "division": "{{ 7 / 2 }} {{ 6 / 2 }} {{ 7 // 2 }} {{ -7 // 2 }} {{ 7.5 // 2 }} {{ -7 % 3 }} {{ 7 % -3 }} {{ 7.5 % 2 }}",
    "signs of zero": "{{ 0 % -0.5 }} {{ -1.5 % 0.5 }} {{ 0.0 // -2 }} {{ -0.0 }} {{ 5.3 % -2 }} {{ -5.3 // 2 }} {{ 1e300 % 3 }}",
    "truth values that count": "{{ true * [1, 2] }} {{ false * 'a' }} {{ 'ab' * true }} {{ true + true }} {{ -true }} {{ 2 ** true }}",
    "powers": "{{ 2 ** 3 }} {{ 2 ** -1 }} {{ 2.0 ** 3 }} {{ -2 ** 2 }} {{ 2 ** 3 ** 2 }}",
    "signs": "{{ -1 }} {{ +1 }} {{ - -1 }} {{ -true }} {{ 3 - -2 }} {{ 1 -1 }}",
    "tilde": "{{ 1 ~ 'a' ~ none ~ true ~ 1.0 ~ [1] ~ missing }}",
    "tilde before plus": "{{ 'a' ~ 'b' + 'c' }}",
    "comparison": "{{ 1 < 2 }} {{ 'a' < 'b' }} {{ [1, 2] < [1, 3] }} {{ 1 == 1.0 }} {{ true == 1 }} {{ '1' == 1 }} {{ none == false }}",
    "comparison of dicts": "{{ {'a': 1, 'b': 2} == {'b': 2, 'a': 1.0} }} {{ [1] == (1,) }} {{ (1, 2) == (1, 2) }}",
    "chained comparison": "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ 1 == 1 == 1 }} {{ 3 > 2 >= 2 != 1 }}",
    "grouped comparison": "{{ (1 < 2) == true }} {{ (3 > 2) > 0 }} {{ 1 < (2 < 3) }}",
    "in": "{{ 1 in [1, 2] }} {{ 'b' in 'abc' }} {{ 'a' in {'a': 1} }} {{ 2 not in (1, 2) }} {{ 'x' in missing }} {{ 1 in range(3) }}",
    "and or not": "{{ 0 or 'a' }} {{ 1 and 'b' }} {{ not [] }} {{ '' and 1 }}| {{ none or false }} {{ not not 1 }}",
    "precedence": "{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ not 1 == 2 }} {{ 1 if 0 else 2 + 3 }} {{ 2 * 3 % 4 }}",
    "ternary": "{{ 'a' if 1 else 'b' }}{{ 'c' if 0 }}{{ 1 if 0 else 2 if 0 else 3 }}",
    "truth": "{{ 'y' if '0' else 'n' }}{{ 'y' if 0.0 else 'n' }}{{ 'y' if {} else 'n' }}{{ 'y' if range(0) else 'n' }}{{ 'y' if ' ' else 'n' }}",
    "percent format": "{{ '%s %d %5.2f %x %r %05d %-4s| %+d %%' % ('a', 3, 2.567, 255, 'q', 42, 'l', 5) }}",
    "percent format of one": "{{ '%s' % 'a' }} {{ '%s' % [1, 2] }} {{ '%(a)s-%(b)03d' % {'a': 1, 'b': 2} }}",
    "percent format that uses nothing": "{{ 'a' % {} }}{{ 'b' % missing }}{{ 'c' % [1] }}",
    "percent format that is given too much": "{{ 'a' % 1 }}",
    "percent format exponents": "{{ '%e %E %g %g %G' % (12345.678, 0.00012, 1e10, 0.0001, 1e-10) }}",
    # Subscripts
    "indices": "{{ 'abc'[0] }}{{ 'abc'[-1] }}{{ [1, 2, 3][1] }}{{ (1, 2)[-1] }}{{ range(5)[2] }}",
    "index out of range": "[{{ 'abc'[5] }}][{{ [1][3] }}][{{ {'a': 1}['b'] }}]",
    "slices": "{{ 'abcdef'[1:4] }} {{ 'abcdef'[::2] }} {{ 'abcdef'[::-1] }} {{ [1, 2, 3, 4][-2:] }} {{ [1, 2, 3][:-1] }} {{ [1, 2, 3][5:] }} {{ 'abcdef'[4:1:-1] }} {{ 'abc'[-10:2] }}",
    "slices of tuples and ranges": "{{ (1, 2, 3)[1:] }} {{ range(10)[2:8:3] }} {{ range(10)[::-1] }}",
    "slice without bounds": "{{ [1, 2][:] }} {{ 'ab'[::] }}",
    "slice with none": "{{ 'abc'[none:2] }}",
    "characters beyond the first plane": "{{ '😀a'[0] }}{{ '😀a' | length }}{{ '😀😁x'[1:] }}{{ 'a😀b'[::-1] }}",
    "dot and bracket": "{{ messages[1].role }}{{ messages[1]['role'] }}{{ [[1, 2]][0].1 }}",
    "method before key": "{{ {'items': 1, 'x': 2}.items() | list }} {{ {'items': 1}['items'] }}",
    "key where no method is": "{{ {'title': 'T', 'count': 2}.title }}{{ {'count': 2}.count }}",
    "get": "{{ {'a': none}.get('a', 1) }}{{ {'a': 1}.get('b') }}{{ {'a': 1}.get('b', 'x') }}",
    "keys of a dict": "{{ {'b': 1, 'a': 2} | list }} {{ {'b': 1}.keys() | list }} {{ {'b': 1}.values() | list }} {{ {'a': 1}.items() | list }}",
    "keys that are numbers": "{{ messages[2].tool_calls[0].function.arguments | list }}",
    "copy": "{{ {'a': 1}.copy() }} {{ [1, 2].copy() }}",
    "list methods": "{{ [1, 2, 1].count(1) }}{{ [1, 2, 1].index(2) }}{{ (1, 1).count(1) }}",
    # What the sandbox keeps
    "append is unsafe": "{% set l = [] %}{{ l.append(1) }}",
    "update is unsafe": "{{ {'a': 1}.update({'b': 2}) }}",
    "pop is unsafe": "{{ [1].pop() }}",
    "unsafe method is not defined": "{{ [].append is defined }}{{ {}.pop is defined }}{{ 'a'.upper is defined }}",
    "underscored attributes": "[{{ ''.__class__ }}][{{ [].__len__ is defined }}]",
    "range too big": "{{ range(100001) | length }}",
    "namespace with an underscore": "{% set ns = namespace(_a=1) %}x",
    # Methods of str
    "strip": "{{ '  a b\\n'.strip() }}|{{ 'xxaxx'.strip('x') }}|{{ 'abcab'.strip('ab') }}|{{ ' a '.lstrip() }}|{{ ' a '.rstrip() }}|",
    "strip of sets": "{{ '<think>think</think>'.lstrip('<think>') }}|{{ '\\n\\n  a'.lstrip('\\n') }}|{{ '😀a😀'.strip('😀') }}",
    "split": "{{ 'a,b,,c'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(' ', 1) }} {{ 'a b c'.split(none, 1) }} {{ ''.split() }} {{ ''.split(',') }} {{ 'a b c'.split(maxsplit=1) }}",
    "rsplit": "{{ 'a,b,c'.rsplit(',', 1) }} {{ ' a b c '.rsplit(none, 1) }} {{ 'a b'.rsplit() }}",
    "partition": "{{ 'a=b=c'.partition('=') }} {{ 'a=b=c'.rpartition('=') }} {{ 'a'.partition('=') }} {{ 'a'.rpartition('=') }}",
    "splitlines": "{{ 'a\\nb\\r\\nc\\n'.splitlines() }} {{ 'a\\nb'.splitlines(true) }} {{ ''.splitlines() }}",
    "join": "{{ ', '.join(['a', 'b']) }}{{ '-'.join('abc') }}{{ ''.join([]) }}",
    "join refuses numbers": "{{ ','.join([1, 2]) }}",
    "replace": "{{ 'aaa'.replace('a', 'b') }} {{ 'aaa'.replace('a', 'b', 2) }} {{ 'ab'.replace('', '-') }} {{ 'a$a'.replace('a', '$&') }}",
    "starts and ends": "{{ 'abc'.startswith('ab') }}{{ 'abc'.endswith(('x', 'c')) }}{{ 'abc'.startswith('b', 1) }}{{ ''.startswith('') }}",
    "find": "{{ 'abcabc'.find('c') }}{{ 'abcabc'.rfind('c') }}{{ 'abc'.find('x') }}{{ 'abcabc'.find('a', 1) }}{{ '😀a'.find('a') }}{{ 'abc'.index('b') }}",
    "index of what is not there": "{{ 'abc'.index('x') }}",
    "count": "{{ 'aaa'.count('a') }}{{ 'aaa'.count('aa') }}{{ 'abc'.count('') }}{{ 'abcabc'.count('a', 1) }}",
    "cases": "{{ 'aBc'.upper() }}{{ 'aBc'.lower() }}{{ 'hELLO wORLD'.capitalize() }}{{ \"they're bill's\".title() }}{{ 'aBc'.swapcase() }}{{ 'Straße'.upper() }}{{ 'Straße'.casefold() }}",
    "is of str": "{{ 'a1'.isalnum() }}{{ 'ab'.isalpha() }}{{ '12'.isdigit() }}{{ '²'.isdigit() }}{{ '1.5'.isnumeric() }}{{ ' \\n'.isspace() }}{{ 'Ab'.istitle() }}{{ 'AB'.isupper() }}{{ 'ab1'.islower() }}{{ ''.isalpha() }}{{ 'a_1'.isidentifier() }}{{ 'é'.isascii() }}{{ '12'.isdecimal() }}",
    "widths": "{{ 'a'.ljust(3) }}|{{ 'a'.rjust(3, '.') }}|{{ 'ab'.center(5) }}|{{ 'abc'.center(6, '-') }}|{{ '-5'.zfill(4) }}|{{ 'a\\tb'.expandtabs(4) }}",
    "prefix and suffix": "{{ 'abc'.removeprefix('ab') }}{{ 'abc'.removesuffix('bc') }}{{ 'abc'.removeprefix('x') }}",
    "format": "{{ '{} {}'.format('a', 1) }} {{ '{1} {0}'.format('a', 'b') }} {{ '{a}-{b}'.format(a=1, b=none) }} {{ '{{}}'.format() }} {{ '{0.x}{0[x]}'.format({'x': 1}) }}",
    "format specifications": "{{ '{:>5}|{:<5}|{:^5}|{:*^7}|{:05d}|{:+}|{:,}|{:.2f}|{:x}|{:%}|{:e}'.format('a', 'b', 'c', 'd', 42, 3, 1234567, 2.567, 255, 0.25, 1234.5) }}",
    "format of strings": "{{ '{:.2}|{!r}|{:10s}|{:s}'.format('abcdef', 'q', 'x', 'y') }}",
    "format of general floats": "{{ '{:g} {:g} {:.3g} {} {:.1f} {:.0f}'.format(1e10, 0.5, 1234.5, 1e20, 0.25, 2.5) }}",
    "method of undefined": "{{ missing.strip() }}",
    "method that is not there": "{{ 'a'.nothing() }}",
    "methods of numbers": "{{ (5.0).is_integer() }}{{ 5 .real }}",
    # Filters of text
    "trim": "{{ '  a ' | trim }}|{{ 'xax' | trim('x') }}|{{ 5 | trim }}|{{ none | trim }}",
    "upper and lower": "{{ 'aB' | upper }}{{ 'aB' | lower }}{{ missing | upper }}{{ 1.5 | upper }}",
    "capitalize and title": "{{ 'hELLO wORLD' | capitalize }} {{ \"they're bill's (own) a-b\" | title }}",
    "replace filter": "{{ 'aaa' | replace('a', 'b') }}{{ 'aaa' | replace('a', 'b', 1) }}{{ 121 | replace(1, 3) }}",
    "indent": "{{ 'a\\nb\\n\\nc' | indent }}|{{ 'a\\nb' | indent(2, true) }}|{{ 'a\\n\\nb' | indent(2, blank=true) }}|{{ 'a\\nb' | indent('> ') }}|{{ 'a\\nb\\n' | indent(first=true) }}",
    "truncate": "{{ 'foo bar baz qux' | truncate(9) }}|{{ 'foo bar baz qux' | truncate(9, true) }}|{{ 'foo bar baz qux' | truncate(11) }}|{{ 'foo bar baz qux' | truncate(11, false, '~', 0) }}",
    "center": "[{{ 'ab' | center(6) }}]",
    "format filter": "{{ '%s-%d' | format('a', 3) }}{{ '%(a)s' | format(a=1) }}",
    "wordcount": "{{ 'one two, three_four 5' | wordcount }}",
    "escape": "{{ '<a href=\"x\">&\\'' | e }}{{ '<b>' | escape }}{{ '<b>' | safe }}",
    "markup spreads": "{{ ('<b>' | e) + '<i>' }}{{ ('<b>' | safe) ~ '<i>' }}",
    "string filter": "{{ (1 | string) + 'a' }}{{ [1] | string }}{{ none | string }}",
    "urlencode": "{{ 'a b/ü&=?' | urlencode }}",
    "striptags": "{{ '<p>a  <b>b</b></p> c' | striptags }}",
    # Filters of numbers
    "int": "{{ '42' | int }}{{ '4.7' | int }}{{ 'x' | int }}{{ 'x' | int(5) }}{{ 3.9 | int }}{{ -3.9 | int }}{{ true | int }}{{ none | int }}{{ '0x1A' | int(base=16) }}{{ ' 7 ' | int }}{{ '1_000' | int }}",
    "float": "{{ '1.5' | float }} {{ 3 | float }} {{ 'x' | float }} {{ 'x' | float(2.5) }} {{ 'inf' | float }} {{ '1e3' | float }}",
    "round": "{{ 2.5 | round }} {{ 3.5 | round }} {{ 2.567 | round(2) }} {{ 2.1 | round(method='ceil') }} {{ 2.9 | round(0, 'floor') }} {{ 7 | round }} {{ 1234 | round(-2) }} {{ 2.675 | round(2) }} {{ 0.125 | round(2) }}",
    "abs": "{{ -3 | abs }}{{ (-3) | abs }}{{ -2.5 | abs }}",
    "sum": "{{ [1, 2, 3] | sum }} {{ [1, 2.5] | sum }} {{ [] | sum }} {{ [{'a': 1}, {'a': 2}] | sum(attribute='a') }} {{ [1] | sum(start=10) }}",
    "min and max": "{{ [3, 1, 2] | min }}{{ [3, 1, 2] | max }}{{ ['b', 'A'] | min }}{{ [{'a': 2}, {'a': 5}] | max(attribute='a') }}[{{ [] | max }}]",
    # Filters of lists
    "length": "{{ [1, 2] | length }}{{ 'abc' | count }}{{ {'a': 1} | length }}{{ missing | length }}{{ range(4) | length }}",
    "first and last": "{{ [1, 2] | first }}{{ [1, 2] | last }}{{ 'abc' | first }}[{{ [] | first }}]{{ {'a': 1, 'b': 2} | first }}",
    "join filter": "{{ [1, 2] | join }} {{ [1, none, 'a'] | join(', ') }} {{ [{'a': 1}, {'a': 2}] | join('-', attribute='a') }} {{ 'abc' | join('.') }}",
    "list filter": "{{ 'ab' | list }}{{ {'a': 1} | list }}{{ (1, 2) | list }}{{ range(2) | list }}{{ missing | list }}",
    "sort": "{{ [3, 1, 2] | sort }} {{ ['b', 'A', 'a'] | sort }} {{ ['b', 'A', 'a'] | sort(case_sensitive=true) }} {{ [1, 2] | sort(reverse=true) }} {{ [{'a': 2, 'n': 'x'}, {'a': 1, 'n': 'y'}] | sort(attribute='a') | map(attribute='n') | join }}",
    "sort by several": "{{ [{'a': 1, 'b': 2}, {'a': 1, 'b': 1}, {'a': 0, 'b': 9}] | sort(attribute='a,b') | map(attribute='b') | list }}",
    "sort of mixed types": "{{ [1, 'a'] | sort }}",
    "unique": "{{ ['a', 'A', 'b', 'a'] | unique | list }} {{ ['a', 'A'] | unique(true) | list }} {{ [1, 1.0, 2] | unique | list }}",
    "reverse": "{{ [1, 2, 3] | reverse | list }}{{ 'abc' | reverse }}{{ (1, 2) | reverse | list }}",
    "map": "{{ ['a', 'b'] | map('upper') | list }} {{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }} {{ [{}] | map(attribute='a', default='d') | list }} {{ [' a'] | map('trim') | join }} {{ [[1, 2]] | map(attribute=0) | list }} {{ ['a'] | map('replace', 'a', 'b') | list }}",
    "select": "{{ [0, 1, 2, none] | select | list }} {{ [1, 2, 3] | select('odd') | list }} {{ [1, 2, 3] | select('>', 1) | list }} {{ [1, 2] | reject('equalto', 1) | list }}",
    "selectattr": "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ messages | selectattr('tool_calls', 'defined') | list | length }}{{ messages | rejectattr('tool_calls') | list | length }}{{ messages | selectattr('content') | map(attribute='role') | list }}",
    "selectattr in": "{{ messages | selectattr('role', 'in', ['user', 'tool']) | map(attribute='role') | join(',') }}",
    "a generator is true": "{{ 'y' if (messages | selectattr('role', 'equalto', 'nobody')) else 'n' }}",
    "a generator is used up": "{% set g = [1, 2] | map('string') %}{{ g | list }}{{ g | list }}",
    "a generator has no length": "{{ [1] | map('string') | length }}",
    "groupby": "{% for role, group in messages | groupby('role') %}{{ role }}={{ group | length }};{% endfor %}{% for g in messages | groupby('role') %}{{ g.grouper }}{{ g.list | length }}{% endfor %}",
    "batch and slice": "{{ [1, 2, 3, 4, 5] | batch(2) | list }} {{ [1, 2, 3] | batch(2, 0) | list }} {{ [1, 2, 3, 4, 5] | slice(3) | list }} {{ [1, 2, 3, 4] | slice(3, 'x') | list }}",
    "dictsort": "{{ {'b': 1, 'A': 2} | dictsort }} {{ {'b': 1, 'A': 2} | dictsort(true) }} {{ {'b': 1, 'a': 2} | dictsort(by='value') }} {{ {'a': 1, 'b': 2} | dictsort(reverse=true) }}",
    "items": "{{ {'a': 1} | items | list }}{% for k, v in missing | items %}x{% endfor %}",
    "attr": "[{{ {'a': 1} | attr('a') }}][{{ 'x' | attr('upper') is defined }}]",
    "default": "{{ missing | default('a') }}{{ none | default('b') }}{{ '' | default('c', true) }}{{ 0 | d(5, boolean=true) }}{{ messages[0].x | default }}|",
    "what is false has no items": "{{ none | map('upper') | list }}{{ 0 | select | list }}{{ false | selectattr('a') | list }}{{ none | rejectattr('a') | list }}",
    "none is not walked through": "{{ none | list }}",
    "urlencode of a dict": "{{ {'a b': 'c/d', 'e': 1} | urlencode }}{{ [('x', 'y z')] | urlencode }}",
    "truncate of a list": "{{ [1, 2] | truncate(4) }}{{ (1, 2) | truncate }}",
    "filter that is not there": "{{ 1 | nothing }}",
    "filter of a call": "{{ range(3) | list | length * 2 }}",
    # tojson
    "tojson": "{{ tools | tojson }}",
    "tojson of values": "{{ [1, 1.0, true, none, 'é\"\\\\\\n\\t<>&/\\u2028', 1e-7, 1e16, (1, 2)] | tojson }}",
    "tojson of a call": "{{ messages[2].tool_calls[0].function.arguments | tojson }}",
    "tojson with indent": "{{ tools[0] | tojson(indent=2) }}|{{ [] | tojson(indent=2) }}|{{ {} | tojson(indent=2) }}|{{ [1, [2]] | tojson(indent=0) }}",
    "tojson indented by a text": "{{ {'a': [1]} | tojson(indent='\\t') }}",
    "tojson ensure_ascii": "{{ 'é😀\\x7f' | tojson(ensure_ascii=true) }}{{ 'é' | tojson(true) }}",
    "tojson separators": "{{ {'a': [1, 2]} | tojson(separators=(',', ':')) }}{{ {'a': 1} | tojson(separators=[' , ', ' : '], indent=1) }}",
    "tojson sort_keys": "{{ {'b': 1, 'a': {'d': 1, 'c': 2}} | tojson(sort_keys=true) }}",
    "tojson of keys": "{{ {1: 'a', 1.5: 'b', true: 'c', none: 'd'} | tojson }}",
    "tojson of undefined": "{{ missing | tojson }}",
    "tojson of views": "{{ {'a': 1}.keys() | tojson }}",
    # Tests
    "defined": "{{ missing is defined }}{{ missing is undefined }}{{ messages[0].x is defined }}{{ none is defined }}{{ missing is not defined }}",
    "type tests": "{{ 1 is integer }}{{ 1.0 is float }}{{ true is integer }}{{ true is number }}{{ 'a' is string }}{{ [] is sequence }}{{ {} is mapping }}{{ {} is sequence }}{{ 1 is iterable }}{{ 'a' is iterable }}{{ none is none }}{{ 0 is boolean }}{{ range is callable }}{{ () is sequence }}",
    "true and false": "{{ true is true }}{{ 1 is true }}{{ false is false }}{{ none is false }}{{ 0 is false }}",
    "number tests": "{{ 3 is odd }}{{ 4 is even }}{{ 9 is divisibleby(3) }}{{ 9 is divisibleby 2 }}{{ 1 is eq 1 }}{{ 2 is gt(1) }}{{ 1 is ne(1) }}{{ 1 is le 1 }}",
    "case tests": "{{ 'ab' is lower }}{{ 'AB' is upper }}{{ 'aB' is lower }}{{ '' is lower }}",
    "sameas and in": "{{ none is sameas none }}{{ 1 is sameas true }}{{ 1 is in [1, 2] }}{{ 'a' is not in 'bc' }}{{ 'x' is in(['x']) }}",
    "test in an expression": "{{ 1 if x is defined else 2 }}{{ 'a' if messages[0].content is string and 1 is odd else 'b' }}{{ not missing is defined }}",
    "test of a filter's value": "{{ 'ab' | upper is upper }}{{ [1] | first is odd }}",
    "is filter and is test": "{{ 'upper' is filter }}{{ 'nothing' is filter }}{{ 'odd' is test }}",
    "test that is not there": "{{ 1 is nothing }}",
    # Statements
    "if": "{% if 0 %}a{% elif '' %}b{% elif 1 %}c{% else %}d{% endif %}",
    "for over kinds": "{% for x in [1, 2] %}{{ x }}{% endfor %}{% for x in 'ab' %}{{ x }}{% endfor %}{% for k in {'a': 1} %}{{ k }}{% endfor %}{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{% for x in missing %}x{% endfor %}",
    "for over none": "{% for x in none %}x{% endfor %}",
    "for over a number": "{% for x in 5 %}x{% endfor %}",
    "for over a tuple": "{% for x in 1, 2 %}{{ x }}{% endfor %}{% for x in (3, 4) %}{{ x }}{% endfor %}",
    "for else": "{% for x in [] %}a{% else %}b{% endfor %}{% for x in [1] if x > 1 %}a{% else %}c{% endfor %}",
    "for if": "{% for x in range(6) if x is odd %}{{ loop.index }}:{{ x }}{{ loop.last }} {% endfor %}",
    "loop": "{% for x in 'abc' %}{{ loop.index }}{{ loop.index0 }}{{ loop.revindex }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.depth }}{{ loop.depth0 }};{% endfor %}",
    "previtem and nextitem": "{% for x in 'abc' %}{{ loop.previtem | default('-') }}{{ x }}{{ loop.nextitem | default('-') }} {% endfor %}",
    "cycle and changed": "{% for x in [1, 1, 2] %}{{ loop.cycle('a', 'b') }}{{ loop.changed(x) }} {% endfor %}",
    "nested loops": "{% for a in [1, 2] %}{% for b in [1, 2] %}{{ loop.index }}{% endfor %}{{ loop.index }};{% endfor %}",
    "recursive loop": "{% for x in [{'n': 1, 'c': [{'n': 2, 'c': []}]}] recursive %}<{{ x.n }}{{ loop.depth }}{{ loop(x.c) }}>{% endfor %}",
    "unpacking": "{% for a, (b, c) in [(1, (2, 3))] %}{{ a }}{{ b }}{{ c }}{% endfor %}{% set a, b = 'xy' %}{{ a }}{{ b }}",
    "unpacking too few": "{% set a, b = [1] %}",
    "break": "{% for x in range(9) %}{% if x == 3 %}{% break %}{% endif %}{{ x }}{% endfor %}",
    "continue": "{% for x in range(5) %}{% if x is odd %}{% continue %}{% endif %}{{ x }}{% else %}e{% endfor %}",
    "break of an inner loop": "{% for a in [1, 2] %}{% for b in [1, 2, 3] %}{% if b == 2 %}{% break %}{% endif %}{{ b }}{% endfor %}{{ a }};{% endfor %}",
    "scope of a loop": "{% set x = 1 %}{% for i in [1, 2] %}{{ x }}{% set x = 5 %}{{ x }}{% endfor %}{{ x }}",
    "scope of an if": "{% if true %}{% set x = 1 %}{% endif %}{{ x }}",
    "loop variable afterwards": "{% set i = 'o' %}{% for i in [1] %}{% endfor %}{{ i }}",
    "namespace": "{% set ns = namespace(n=0, l=[]) %}{% for i in [1, 2] %}{% set ns.n = ns.n + i %}{% set ns.l = ns.l + [i] %}{% set ns.new = i %}{% endfor %}{{ ns.n }}{{ ns.l }}{{ ns.new }}{{ ns.missing is defined }}",
    "namespace of a dict": "{% set ns = namespace({'a': 1}, b=2) %}{{ ns.a }}{{ ns.b }}{{ ns['a'] }}",
    "namespace with none": "{% set ns = namespace(a=none) %}{{ ns.a }}{{ ns.a is none }}",
    "set of what is no namespace": "{% set d = {} %}{% set d.a = 1 %}",
    "set block": "{% set x %}\n  a {{ 1 + 1 }}\n{% endset %}[{{ x }}]{% set y | upper | trim %} b {% endset %}[{{ y }}]",
    "filter block": "{% filter upper %}a{{ 'b' }}{% endfilter %}{% filter replace('a', 'x') %}aba{% endfilter %}",
    "with": "{% set a = 1 %}{% with a = 2, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}",
    "macro": "{% macro m(a, b='d', c=none) %}[{{ a }}{{ b }}{{ c }}]{% endmacro %}{{ m(1) }}{{ m(1, c=3) }}{{ m(b=2, a=1) }}{{ m() }}",
    "macro with varargs": "{% macro m(a) %}{{ a }}{{ varargs }}{{ kwargs }}{% endmacro %}{{ m(1, 2, 3, x=4) }}",
    "macro with too many arguments": "{% macro m(a) %}{{ a }}{% endmacro %}{{ m(1, 2) }}",
    "macro sees the template's names": "{% set x = 1 %}{% macro m() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ m() }}",
    "macro used before it is made": "{{ m is defined }}{% macro m() %}a{% endmacro %}{{ m is defined }}",
    "macro that calls itself": "{% macro m(n) %}{{ n }}{% if n > 0 %}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(3) }}",
    "macro gives a text": "{% macro m() %} a {% endmacro %}{{ m() | trim }}{{ m() ~ 'b' }}{{ m() | length }}",
    "call block": "{% macro m(a) %}<{{ a }}:{{ caller() }}>{% endmacro %}{% call m(1) %}in{% endcall %}",
    "call block with arguments": "{% macro m() %}{{ caller(1, 2) }}{% endmacro %}{% call(a, b) m() %}{{ a }}-{{ b }}{% endcall %}",
    "spread arguments": "{% macro m(a, b, c) %}{{ a }}{{ b }}{{ c }}{% endmacro %}{{ m(*[1, 2], **{'c': 3}) }}",
    "generation": "a{% generation %} b {% endgeneration %}c",
    "generation with dashes": "a {%- generation -%} b {%- endgeneration -%} c",
    "generation on its own lines": "a\n  {% generation %}\n  b\n  {% endgeneration %}\nc",
    "scope of a generation": "{% set x = 1 %}{% generation %}{% set x = 2 %}{{ x }}{% endgeneration %}{{ x }}",
    "do is no statement": "{% do 1 %}",
    "include is refused": "{% include 'x' %}",
    "end that is not there": "{% if true %}a",
    "wrong end": "{% if true %}a{% endfor %}",
    # Functions
    "dict function": "{{ dict(a=1, b=2) }}{{ dict([('a', 1)]) }}{{ dict({'a': 1}, b=2) }}",
    "cycler and joiner": "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.current }}{{ c.next() }}{{ c.next() }}{% set j = joiner(',') %}{{ j() }}x{{ j() }}y",
    "range": "{{ range(2, 8, 3) | list }}{{ range(3, 0, -1) | list }}{{ range(0) | list }}",
    "raise_exception": "{{ raise_exception('no') }}",
    "raise_exception not reached": "{% if false %}{{ raise_exception('no') }}{% endif %}a",
    "strftime_now": "{{ strftime_now('%d %B %Y|%Y-%m-%d|%A %a %b|%j %U %W %w %u|%-d %-m|%e|%y %H:%M:%S %p %I|%%|%D|%F|%x') }}",
    "strftime_now asked for": "{% if strftime_now is defined %}{{ strftime_now('%Y') }}{% endif %}",
    "undefined in a sum": "{{ 'a' + missing }}",
    "none in a sum": "{{ 'a' + none }}",
    "a number in a sum": "{{ 'a' + 1 }}",
    "field of undefined": "{{ missing.x }}",
    "field of undefined, twice": "{{ messages[0].x.y }}",
    "field of none": "[{{ none.x }}]",
    "call of a text": "{{ 'a'() }}",
    "division by zero": "{{ 1 / 0 }}",
    "comparison of unlike values": "{{ 1 < 'a' }}",
    # Chats
    "roles": "{% for m in messages %}<|{{ m.role }}|>{{ m['content'] | trim }}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
    "tokens": "{{ bos_token }}{{ eos_token }}{{ pad_token is defined }}",
    "no documents": "{{ documents is none }}{{ documents is defined }}",
    "content that is text or parts": "{% for m in messages %}{% if m.content is string %}s{% elif m.content is iterable %}i{% endif %}{% endfor %}",
    "arguments that are text or a dict": "{% set a = messages[2].tool_calls[0].function.arguments %}{{ a if a is string else a | tojson }}",
    "thoughts cut out": "{% set c = '<think>a</think>\\n\\nb' %}{{ c.split('</think>')[-1].lstrip('\\n') }}|{{ c.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') }}",
    "last user turn": "{% set ns = namespace(i=-1) %}{% for m in messages[::-1] %}{% if ns.i < 0 and m.role == 'user' %}{% set ns.i = messages | length - loop.index %}{% endif %}{% endfor %}{{ ns.i }}",
    "reasoning": "{% for m in messages %}{% if m.reasoning_content is defined and m.reasoning_content is not none %}{{ m.reasoning_content }}{% endif %}{% endfor %}",
    "text of a turn with Windows line ends": "{{ messages[4].content | tojson }}{{ messages[4].content }}|",
}


def compiled(source):
    chat_template_utils.datetime = type("Fixed", (), {"now": staticmethod(lambda: DAY)})
    return chat_template_utils._compile_jinja_template(source)


def rendered(source, **variables):
    """The text, or None where Python refuses."""
    try:
        return compiled(source).render(**variables)
    except Exception as error:  # any: SecurityError, TypeError, UndefinedError, ...
        return None


def features():
    variables = {
        "messages": MESSAGES, "tools": TOOLS, "documents": None, "bos_token": "<s>", "eos_token": "</s>",
        "add_generation_prompt": True,
    }
    cases = [{"name": name, "source": source, "wanted": rendered(source, **variables)} for name, source in FEATURES.items()]
    fixture = {"day": DAY.strftime("%Y-%m-%d"), "variables": json.dumps(variables, ensure_ascii=False), "cases": cases}
    write("features.json", fixture)
    print(len(cases), "templates,", sum(case["wanted"] is None for case in cases), "refused by Python")


def call(name, arguments, **fields):
    return {**fields, "type": "function", "function": {"name": name, "arguments": arguments}}


WEATHER = {"type": "function", "function": {
    "name": "get_weather", "description": "The weather of a day.\nIn 'degrees'.",
    "parameters": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "Town & country"},
            "day": {"type": ["string", "null"], "format": "date", "default": None},
            "units": {"type": "string", "enum": ["C", "F"]},
            "hours": {"type": "array", "items": {"type": "integer"}, "maxItems": 24},
            "near": {"type": "object", "properties": {"lat": {"type": "number", "minimum": -90.0}}, "required": ["lat"]},
        },
        "required": ["city"],
    },
    "return": {"type": "string"},
}}
ADD = TOOLS[0]
HI = {"role": "user", "content": "Hi there!\nWhat's \"new\"?"}
HELLO = {"role": "assistant", "content": "Hello, you.\n\n    x = 1\n"}
SYSTEM = {"role": "system", "content": " You are <brief> & kind. \n"}
ASK = {"role": "user", "content": "Weather in Zürich?"}
ARGUMENTS = {"city": "Zürich, \"CH\"", "hours": [1, 2], "near": {"lat": 47.0}, "day": None, "big": 9007199254740993, "sure": True}
SAID = {"role": "tool", "tool_call_id": "call00001", "name": "get_weather", "content": "{\"t\": -1.5}"}
CALLED = {"role": "assistant", "content": "", "tool_calls": [call("get_weather", ARGUMENTS, id="call00001")]}
SO = {"role": "assistant", "content": "It is cold."}
THOUGHT = {"role": "assistant", "content": "42.", "reasoning_content": "\nSix times\nseven.\n"}
IN_TAGS = {"role": "assistant", "content": "<think>\nHm, \"so\".\n</think>\n\n  The answer.\n"}

CONVERSATIONS = {
    "plain": dict(messages=[HI, HELLO]),
    "question": dict(messages=[HI], add_generation_prompt=True),
    "turns": dict(messages=[HI, HELLO, ASK, SO, HI], add_generation_prompt=True),
    "system": dict(messages=[SYSTEM, HI, HELLO]),
    "system asks": dict(messages=[SYSTEM, ASK], add_generation_prompt=True),
    "tools": dict(messages=[SYSTEM, HI, HELLO], tools=[ADD, WEATHER]),
    "tools without system": dict(messages=[ASK], tools=[WEATHER], add_generation_prompt=True),
    "call": dict(messages=[ASK, CALLED], tools=[WEATHER]),
    "call and answer": dict(messages=[SYSTEM, ASK, CALLED, SAID, SO], tools=[ADD, WEATHER]),
    "call to be answered": dict(messages=[ASK, CALLED, SAID], tools=[WEATHER], add_generation_prompt=True),
    "call with text": dict(messages=[ASK, {**CALLED, "content": "Let me see."}, SAID, SO, HI, HELLO], tools=[WEATHER]),
    "two calls": dict(
        messages=[ASK, {**CALLED, "tool_calls": [*CALLED["tool_calls"], call("add", {"a": 1, "b": 2.50}, id="call00002")]},
                  SAID, {**SAID, "tool_call_id": "call00002", "name": "add", "content": "3.5"}, SO],
        tools=[WEATHER, ADD]),
    "arguments as text": dict(
        messages=[ASK, {**CALLED, "tool_calls": [call("get_weather", json.dumps(ARGUMENTS), id="call00001")]}, SAID, SO], tools=[WEATHER]),
    "calls without tools": dict(messages=[ASK, CALLED, SAID, SO]),
    "reasoning": dict(messages=[HI, THOUGHT]),
    "reasoning in turns": dict(messages=[SYSTEM, HI, THOUGHT, ASK, {**SO, "reasoning_content": "Brr."}]),
    "reasoning before a question": dict(messages=[HI, THOUGHT, ASK], add_generation_prompt=True),
    "reasoning and a call": dict(messages=[ASK, {**CALLED, "reasoning_content": "I must ask."}, SAID, {**SO, "reasoning_content": "So."}], tools=[WEATHER]),
    "thoughts in tags": dict(messages=[HI, IN_TAGS]),
    "thoughts in tags in turns": dict(messages=[HI, IN_TAGS, ASK, IN_TAGS, HI], add_generation_prompt=True),
    "no thinking": dict(messages=[HI], add_generation_prompt=True, enable_thinking=False),
    "thinking": dict(messages=[SYSTEM, HI], add_generation_prompt=True, enable_thinking=True),
    "content in parts": dict(messages=[{"role": "user", "content": [{"type": "text", "text": "One. "}, {"type": "text", "text": "Two."}]}, HELLO]),
    "documents": dict(messages=[HI], documents=[{"title": "T", "text": "Some text."}], add_generation_prompt=True),
    "wrong order": dict(messages=[HELLO, HI, HI]),
}
ALWAYS = {"tools": None, "documents": None, "add_generation_prompt": False, "bos_token": "<s>", "eos_token": "</s>"}


def published(folders):
    """What templates make of all conversations, 16 digits of a hash each; - where Python refuses."""
    found = {}
    for path in sorted(path for folder in folders for path in pathlib.Path(folder).rglob("*.jinja")):
        source = path.read_bytes().decode()  # read_text would change the ends of lines
        hash = hashlib.sha256(source.encode()).hexdigest()
        if hash in found:
            continue
        texts = [rendered(source, **{**ALWAYS, **conversation}) for conversation in CONVERSATIONS.values()]
        found[hash] = {
            "name": f"{path.parent.name}/{path.stem}",
            "texts": " ".join("-" if text is None else hashlib.sha256(text.encode()).hexdigest()[:16] for text in texts),
        }
    conversations = {name: json.dumps({**ALWAYS, **one}, ensure_ascii=False) for name, one in CONVERSATIONS.items()}
    write("published.json", {"day": DAY.strftime("%Y-%m-%d"), "conversations": conversations, "templates": found})
    hashes = [hash for one in found.values() for hash in one["texts"].split()]
    print(len(found), "templates,", len(hashes), "texts,", hashes.count("-"), "refused by Python")


def write(name, fixture):
    path = ROOT / "test/jinja" / name
    path.write_text(json.dumps(fixture, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 1:
        features()
    else:
        published(sys.argv[1:])
