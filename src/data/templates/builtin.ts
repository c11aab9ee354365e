/**
 * The published chat templates, by name, as Jinja. Each is written anew from the text that its source
 * makes; `test/data/templates/chat_template_test.ts` holds them to those texts.
 *
 * @module
 */

/** Refuses what is not user, assistant, user, assistant, ..., after a system prompt if there is one. */
const ALTERNATING = `{%- for message in messages if message.role != 'system' -%}
{%- if (message.role == 'user') != (loop.index0 % 2 == 0) -%}
{{- raise_exception('wanted user and assistant in turn, user first') -}}
{%- endif -%}
{%- endfor -%}`;

/** `system` is the system prompt where the chat begins with one, else ""; `turns` are the others. */
const SYSTEM_APART = `{%- if messages[0].role == 'system' -%}
{%- set system = messages[0].content -%}{%- set turns = messages[1:] -%}
{%- else -%}
{%- set system = '' -%}{%- set turns = messages -%}
{%- endif -%}`;

/**
 * - chatml: the ChatML format of OpenAI, as in the documentation of transformers ("chat templates").
 * - llama-2: `chat_template` of meta-llama/Llama-2-7b-chat-hf; a BOS before every user turn.
 * - llama-3: `chat_template` of meta-llama/Meta-Llama-3-8B-Instruct.
 * - mistral: `<s>[INST] question [/INST] answer</s>[INST] ...`, as Mistral's guide to its 7B Instruct
 *   models has it; a system prompt stands in the first user turn.
 * - gemma: `chat_template` of google/gemma-3-1b-it; a system prompt stands in the first user turn.
 * - vicuna: `vicuna_v1.1` of fastchat/conversation.py in lm-sys/FastChat, its system prompt included.
 * - alpaca: the prompt of tatsu-lab/stanford_alpaca, repeated for each turn.
 */
export const chatTemplates: Readonly<Record<string, string>> = {
  chatml: `{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}`,

  "llama-2": `${SYSTEM_APART}${ALTERNATING}
{%- for message in turns -%}
{%- set content = message.content -%}
{%- if loop.first and system != '' -%}
{%- set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + content -%}
{%- endif -%}
{%- if message.role == 'user' -%}
{{- bos_token + '[INST] ' + content | trim + ' [/INST]' -}}
{%- else -%}
{{- ' ' + content | trim + ' ' + eos_token -}}
{%- endif -%}
{%- endfor -%}`,

  "llama-3": `{{- bos_token -}}
{%- for message in messages -%}
{{- '<|start_header_id|>' + message.role + '<|end_header_id|>\\n\\n' -}}
{{- message.content | trim + '<|eot_id|>' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
{%- endif -%}`,

  mistral: `${SYSTEM_APART}${ALTERNATING}{{- bos_token -}}
{%- for message in turns -%}
{%- if message.role == 'user' -%}
{%- set before = system + '\\n\\n' if loop.first and system != '' else '' -%}
{{- '[INST] ' + before + message.content + ' [/INST]' -}}
{%- else -%}
{{- ' ' + message.content + eos_token -}}
{%- endif -%}
{%- endfor -%}`,

  gemma: `${SYSTEM_APART}${ALTERNATING}{{- bos_token -}}
{%- for message in turns -%}
{%- set role = 'model' if message.role == 'assistant' else 'user' -%}
{%- set before = system + '\\n\\n' if loop.first and system != '' else '' -%}
{{- '<start_of_turn>' + role + '\\n' + before + message.content | trim + '<end_of_turn>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<start_of_turn>model\\n' -}}{%- endif -%}`,

  vicuna: `${SYSTEM_APART}${ALTERNATING}
{%- set preamble = "A chat between a curious user and an artificial intelligence assistant. " +
"The assistant gives helpful, detailed, and polite answers to the user's questions." -%}
{{- (system if system != '' else preamble) + ' ' -}}
{%- for message in turns -%}
{%- if message.role == 'user' -%}
{{- 'USER: ' + message.content + ' ASSISTANT:' -}}
{%- else -%}
{{- ' ' + message.content + eos_token -}}
{%- endif -%}
{%- endfor -%}`,

  alpaca: `${SYSTEM_APART}${ALTERNATING}
{%- set preamble = 'Below is an instruction that describes a task. ' +
'Write a response that appropriately completes the request.' -%}
{{- system if system != '' else preamble -}}
{%- for message in turns -%}
{%- if message.role == 'user' -%}
{{- '\\n\\n### Instruction:\\n' + message.content + '\\n\\n### Response:' -}}
{%- else -%}
{{- message.content + eos_token -}}
{%- endif -%}
{%- endfor -%}`,
};

/** What ends a turn in the templates of model makers, beside the EOS token of the model itself. */
export const END_TOKENS: readonly string[] = [
  "<|im_end|>",
  "<|eot_id|>",
  "<|eom_id|>",
  "<|eot|>",
  "<|call|>",
  "<end_of_turn>",
  "<turn|>",
  "<|end|>",
  "<|end_of_text|>",
  "<|end_of_turn|>",
  "<|endoftext|>",
  "<|END_RESPONSE|>",
  "<|END_OF_TURN_TOKEN|>",
  "<｜end▁of▁sentence｜>",
  "<end_of_utterance>",
  "<|return|>",
  "<|eos|>",
  "<eos>",
  "[EOS]",
  "</s>",
];
