const { element, headers, askForToken, eventsOf } = globalThis.pages;
const { names, chats } = JSON.parse(document.getElementById("facts").textContent);
const find = (id) => document.getElementById(id);
/** The conversation of each model. */
const conversations = new Map(names.map((name) => [name, []]));
const columns = new Map();
let stopping = null;

for (const [i, name] of names.entries()) {
  const box = element("input", { type: "checkbox", checked: i < 2, value: name });
  box.addEventListener("change", showColumns);
  find("models").append(element("label", {}, box, ` ${name}`));
  const column = element("section", {}, element("h2", { textContent: name }));
  column.setAttribute("aria-label", name);
  columns.set(name, column);
  find("columns").append(column);
}

function chosen() {
  return [...find("models").querySelectorAll("input:checked")].map(({ value }) => value);
}

function showColumns() {
  for (const [name, column] of columns) column.hidden = !chosen().includes(name);
}
showColumns();
if (!chats) {
  find("note").textContent = "The model has no chat template: a turn is continued as it is.";
}

find("reset").addEventListener("click", () => {
  stopping?.abort();
  for (const [name, column] of columns) {
    conversations.set(name, []);
    column.replaceChildren(element("h2", { textContent: name }));
  }
});

find("stop").addEventListener("click", () => stopping?.abort());

find("turn").addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("form").requestSubmit();
});

find("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const content = find("turn").value.trim();
  if (content === "" || stopping || chosen().length === 0) return;
  find("turn").value = "";
  stopping = new AbortController();
  find("send").disabled = true;
  find("stop").disabled = false;
  await Promise.all(chosen().map((name) => ask(name, content, stopping.signal)));
  stopping = null;
  find("send").disabled = false;
  find("stop").disabled = true;
  find("turn").focus();
});

/** Lets one model answer, and shows the answer as it comes. */
async function ask(name, content, signal) {
  const turns = conversations.get(name);
  const column = columns.get(name);
  const shown = element("p");
  column.append(element("p", { className: "user", textContent: content }), shown);
  const began = performance.now();
  let text = "";
  try {
    const usage = await stream(name, [...turns, { role: "user", content }], signal, (piece) => {
      text += piece;
      shown.textContent = text;
      shown.scrollIntoView({ block: "nearest" });
    });
    const seconds = (performance.now() - began) / 1000;
    const speed = usage ? `${usage.completion_tokens} tokens in ${seconds.toPrecision(3)} s` : "";
    column.append(element("small", { textContent: speed }));
  } catch (fault) {
    if (!signal.aborted) {
      shown.className = "fault";
      shown.textContent = fault.message;
      return;
    }
  }
  if (conversations.get(name) !== turns) return; // begun anew meanwhile
  if (text !== "") turns.push({ role: "user", content }, { role: "assistant", content: text });
}

/** Sends turns and calls `take` with each piece; resolves to the usage. */
async function stream(model, messages, signal, take) {
  const common = {
    model,
    stream: true,
    stream_options: { include_usage: true },
    temperature: Number(find("temperature").value),
    max_tokens: Number(find("most").value),
  };
  const [path, body] = chats
    ? ["/v1/chat/completions", { ...common, messages }]
    : ["/v1/completions", { ...common, prompt: messages.at(-1).content }];
  const response = await fetch(path, {
    method: "POST",
    body: JSON.stringify(body),
    signal,
    headers: headers(),
  });
  if (!response.ok) {
    if (response.status === 401 && askForToken()) {
      return await stream(model, messages, signal, take);
    }
    throw new Error((await response.json()).error.message);
  }
  let usage = null;
  for await (const data of eventsOf(response.body)) {
    const event = JSON.parse(data);
    if (event.error) throw new Error(event.error.message);
    if (event.usage) usage = event.usage;
    const [choice] = event.choices;
    const piece = choice?.delta?.content ?? choice?.text;
    if (piece) take(piece);
  }
  return usage;
}
