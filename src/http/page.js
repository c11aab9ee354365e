/** What the scripts of pages share: elements, the server's token, events. */
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

function headers() {
  const token = sessionStorage.getItem("token");
  return token ? { authorization: `Bearer ${token}` } : {};
}

/** Asks whoever looks at the page for the token; whether there is one now. */
function askForToken() {
  const token = prompt("The server's token");
  if (token) sessionStorage.setItem("token", token);
  return Boolean(token);
}

/** The data of server-sent events, up to the last. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "data: [DONE]") return;
      if (line.startsWith("data: ")) yield line.slice(6);
    }
  }
}

globalThis.pages = { element, headers, askForToken, eventsOf };
