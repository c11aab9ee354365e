/** Modelfiles of Ollama: what their template renders is what the chat template renders. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { ChatTemplate, chatTemplates } from "../../src/data/mod.ts";
import { modelfile } from "../../src/export/modelfile.ts";
import { assertFileError, withFolder } from "../io/helpers.ts";
import { byteTokenizer } from "./tokenizers.ts";

/** A folder that says of itself what a Modelfile is made of. */
function withModel(config: Record<string, unknown>, action: (folder: string) => void): void {
  withFolder((parent) => {
    const folder = join(parent, "model");
    Deno.mkdirSync(folder);
    const write = (name: string, value: unknown) =>
      Deno.writeTextFileSync(join(folder, name), JSON.stringify(value));
    write("tokenizer.json", byteTokenizer());
    write("tokenizer_config.json", { bos_token: "<s>", eos_token: "</s>", ...config });
    write("config.json", { eos_token_id: 2 });
    action(folder);
  });
}

const builtin = (name: string) => new ChatTemplate(name, chatTemplates[name]!);

Deno.test("a Modelfile names the file, the template in Go's language and what ends an answer", () =>
  withModel({ chat_template: chatTemplates["chatml"] }, (folder) => {
    const wanted = `FROM ./mine.gguf
TEMPLATE """{{ if .System }}<|im_start|>system
{{ .System }}<|im_end|>
<|im_start|>user
{{ else }}<|im_start|>user
{{ end }}{{ range .Messages }}{{ if eq .Role "user" }}{{ .Content }}<|im_end|>
<|im_start|>assistant
{{ else if eq .Role "assistant" }}{{ .Content }}<|im_end|>
<|im_start|>user
{{ end }}{{ end }}"""
PARAMETER stop "<|im_end|>"
PARAMETER stop "</s>"
`;
    assert.equal(modelfile(folder, "mine.gguf", null), wanted);
  }));

Deno.test("what systems say may stand in the first user's turn, or have something in its place", () =>
  withModel({ add_bos_token: true }, (folder) => {
    const gemma = modelfile(folder, "m.gguf", builtin("gemma"));
    const turn = "<start_of_turn>user\n";
    assert.ok(gemma.includes(`{{ if .System }}${turn}{{ .System }}\n\n{{ else }}${turn}{{ end }}`));
    const vicuna = modelfile(folder, "m.gguf", builtin("vicuna"));
    assert.ok(vicuna.includes("{{ if .System }}{{ .System }} USER: {{ else }}A chat between"));
  }));

Deno.test("BOS is left out where llama.cpp adds it, and kept where it does not", () => {
  const mistral = (adds: boolean) => {
    let text = "";
    withModel({ add_bos_token: adds }, (folder) => {
      text = modelfile(folder, "m.gguf", builtin("mistral"));
    });
    return text;
  };
  assert.ok(mistral(true).includes("{{ else }}[INST] {{ end }}"));
  assert.ok(mistral(false).includes("{{ else }}<s>[INST] {{ end }}"));
});

Deno.test("what reads as an action of Go's is text", () =>
  withModel({}, (folder) => {
    const odd = new ChatTemplate(
      "odd",
      "{% for m in messages %}{{ '{{' + m.role + '}}' + m.content }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '{{assistant}}' }}{% endif %}",
    );
    assert.ok(modelfile(folder, "m.gguf", odd).includes('{{ .Content }}{{ "{{" }}assistant}}'));
  }));

Deno.test("a template that a Modelfile cannot say is refused, and so is none", () =>
  withModel({}, (folder) => {
    assertFileError(() => modelfile(folder, "m.gguf", null), "no chat template");
    const counted = new ChatTemplate(
      "counted",
      "{% for m in messages %}{{ loop.index ~ m.role ~ m.content }}{% endfor %}",
    );
    assertFileError(() => modelfile(folder, "m.gguf", counted), "template counted", "change");
    const mute = new ChatTemplate("mute", "{% for m in messages %}{{ m.role }}{% endfor %}");
    assertFileError(() => modelfile(folder, "m.gguf", mute), "template mute");
    const quotes = new ChatTemplate(
      "quotes",
      '{% for m in messages %}{{ \'"""\' + m.content }}{% endfor %}',
    );
    assertFileError(() => modelfile(folder, "m.gguf", quotes), 'found """');
  }));
