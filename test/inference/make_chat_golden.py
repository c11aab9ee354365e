"""Chats as transformers renders and tokenizes them up to each answer, for test/inference/chat_test.ts.

    pip install transformers==5.23.0 jinja2 tokenizers
    deno eval 'import { byteLevelTokenizer as t } from "./test/data/tokenize/tokenizers.ts"
      console.log(JSON.stringify(t()))' > tokenizer.json
    python test/inference/make_chat_golden.py tokenizer.json [SMOLLM2]    # from the root

SMOLLM2 is the folder of SmolLM2-135M-Instruct, whose own tokenizer makes the last case.
"""

import json
import pathlib
import sys

from transformers import AutoTokenizer, PreTrainedTokenizerFast

SMOLLM2 = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}"
    "{{ '<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face"
    "<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + message['content'] + "
    "'<|im_end|>' + '\n'}}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# After Llama 3's: BOS first, texts trimmed, a header around each role.
HEADERS = (
    "{{- bos_token }}{%- for message in messages %}{{- '<|start_header_id|>' + message['role'] + "
    "'<|end_header_id|>\n\n' + message['content'] | trim + '<|eot_id|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|start_header_id|>assistant<|end_header_id|>\n\n' }}"
    "{%- endif %}"
)
TURNS = [
    {"role": "user", "content": "What is the capital of France?"},
    {"role": "assistant", "content": "The capital of France is Paris."},
    {"role": "user", "content": "  And of the Netherlands? "},
    {"role": "assistant", "content": " The answer:\n\nAmsterdam is the capital; Den Haag has the government."},
    {"role": "user", "content": "Hello, are you the system or the user? Ça alors, 12345 «日本» 🙂"},
]
SYSTEM = {"role": "system", "content": "You answer in one word."}


def case(name, tokenizer, template, special):
    chats = []
    for system in ([], [SYSTEM]):
        for length in (1, 3, 5):
            messages = system + TURNS[:length]
            options = {"chat_template": template, "add_generation_prompt": True}
            ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=False, **options)
            chats.append({"messages": messages, "ids": ids})
    return {"name": name, "template": template, **special, "chats": chats}


def main():
    file, *folder = sys.argv[1:]
    cases = []
    for name, template, bos, eos in (
        ("smollm2", SMOLLM2, "<|im_start|>", "<|im_end|>"),
        ("headers", HEADERS, "<|begin_of_text|>", "<|eot_id|>"),
    ):
        tokenizer = PreTrainedTokenizerFast(tokenizer_file=file, bos_token=bos, eos_token=eos)
        cases.append(case(name, tokenizer, template, {"bos": bos, "eos": eos}))
    if folder:
        tokenizer = AutoTokenizer.from_pretrained(folder[0])
        cases.append(case("SmolLM2-135M-Instruct", tokenizer, tokenizer.chat_template, {}))
    lines = []
    for each in cases:
        chats = [json.dumps(chat, ensure_ascii=False) for chat in each.pop("chats")]
        head = json.dumps(each, ensure_ascii=False)[:-1]
        lines.append(f'{head}, "chats": [\n' + ",\n".join(chats) + "\n]}")
    text = '{"source": "apply_chat_template of transformers 5.23.0", "cases": [\n'
    path = pathlib.Path(__file__).with_name("chat_golden.json")
    path.write_text(text + ",\n".join(lines) + "\n]}\n")


main()
