const { element, headers, askForToken, eventsOf } = globalThis.pages;
const { groupsOf, drawCurves, colourOf, shown } = globalThis.charts;
const find = (id) => document.getElementById(id);
const runs = new Map();
/** Whole runs, as they were when last asked for. */
const details = new Map();
const ticked = new Set();
let isFirst = true;

async function get(path) {
  const response = await fetch(path, { headers: headers() });
  if (response.ok) return await response.json();
  throw new Error((await response.json()).error.message);
}

/** Follows the history; begins again where the server was away. */
async function follow() {
  for (;;) {
    try {
      const response = await fetch("/api/changes", { headers: headers() });
      if (response.status === 401) askForToken();
      if (!response.ok) throw new Error((await response.json()).error.message);
      for await (const data of eventsOf(response.body)) {
        const change = JSON.parse(data);
        if (change.error) throw new Error(change.error.message);
        await take(change);
      }
    } catch (fault) {
      find("status").textContent = `${fault.message}; asking again`;
    }
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
}

async function take({ changed, gone }) {
  for (const id of gone) [runs, details].forEach((map) => map.delete(id)), ticked.delete(id);
  for (const run of changed) runs.set(run.id, run);
  const all = [...runs.values()].sort((a, b) => b.id - a.id);
  if (isFirst && all.length > 0) ticked.add(all[0].id);
  isFirst = false;
  const running = all.filter(({ status }) => status === "running").length;
  find("status").textContent = `${all.length} ${
    all.length === 1 ? "run" : "runs"
  }, ${running} of them running`;
  if (changed.length > 0 || gone.length > 0) list(all);
  const stale = changed.filter(({ id }) => ticked.has(id));
  if (stale.length > 0 || gone.length > 0) await show(stale.map(({ id }) => id));
}

function list(all) {
  find("runs").tBodies[0].replaceChildren(...all.map((run) => {
    const box = element("input", { type: "checkbox", checked: ticked.has(run.id) });
    box.setAttribute("aria-label", `show ${run.name}`);
    box.addEventListener("change", () => {
      box.checked ? ticked.add(run.id) : ticked.delete(run.id);
      show([run.id]);
    });
    const began = new Date(run.started).toLocaleString();
    const status = element("td", { className: run.status, textContent: run.status });
    if (run.error) status.title = run.error;
    return element(
      "tr",
      {},
      element("td", {}, box),
      element("th", { scope: "row", textContent: `${run.id} ${run.name}` }),
      status,
      element("td", { className: "number", textContent: `${run.done}/${run.steps}` }),
      element("td", { className: "number", textContent: shown(run.loss) }),
      element("td", { textContent: began }),
      element("td", { textContent: run.model.split("/").at(-1) }),
    );
  }));
}

/** Shows the ticked runs, after asking for those that changed. */
async function show(stale) {
  const wanted = [...ticked].sort((a, b) => a - b);
  try {
    for (const id of wanted) {
      if (stale.includes(id) || !details.has(id)) details.set(id, await get(`/api/run?id=${id}`));
    }
    const query = wanted.map((id) => `id=${id}`).join("&");
    const compared = wanted.length > 0 ? await get(`/api/compare?${query}`) : null;
    draw(wanted.map((id) => details.get(id)), compared);
  } catch (fault) {
    find("status").textContent = fault.message;
  }
}

function draw(chosen, compared) {
  const top = scrollY;
  find("charts").replaceChildren();
  if (chosen.length > 1) find("charts").append(legend(chosen));
  for (const group of groupsOf(chosen)) drawCurves(find("charts"), group, chosen);
  find("compared").replaceChildren(...(compared ? tables(chosen, compared) : []));
  find("samples").replaceChildren(...chosen.flatMap(samplesOf));
  scrollTo({ top });
}

const legend = (chosen) =>
  element(
    "p",
    { className: "legend" },
    ...chosen.map(({ name }, i) => {
      const mark = element("span", { textContent: "\u25a0 " });
      mark.style.setProperty("color", colourOf(i));
      return element("span", {}, mark, `${name} `);
    }),
  );

function tables(chosen, { runs, settings, figures }) {
  const names = runs.map(({ name }) => name);
  const words = (value) =>
    value === null ? "" : typeof value === "number" ? shown(value) : JSON.stringify(value);
  const rows = (all, key) => all.map((row) => [row[key], ...row.values.map(words)]);
  const one = chosen.length === 1 ? settingsOf(chosen[0]) : rows(settings, "key");
  return [
    table("Figures", ["", ...names], rows(figures, "name")),
    table(
      chosen.length === 1 ? "Settings that were given" : "Settings that differ",
      ["", ...names],
      one,
    ),
    table("Memory, MiB", ["", ...names], memoryOf(chosen)),
  ];
}

/** The keys that were not left at their defaults. */
const settingsOf = ({ config, origin }) =>
  Object.entries(origin).filter(([, from]) => from !== "default").map(([key]) => [
    key,
    JSON.stringify(key.split(".").reduce((value, name) => value?.[name], config) ?? null),
  ]);

function memoryOf(chosen) {
  const parts = [...new Set(chosen.flatMap(({ memory }) => Object.keys(memory)))];
  return parts.map((part) => [
    part,
    ...chosen.map(({ memory }) =>
      memory[part] === undefined ? "" : (memory[part] / 2 ** 20).toFixed(1)
    ),
  ]);
}

function table(caption, heads, rows) {
  if (rows.length === 0) return "";
  const head = element(
    "tr",
    {},
    ...heads.map((text) => element("th", { scope: "col", textContent: text })),
  );
  const body = rows.map(([first, ...cells]) =>
    element(
      "tr",
      {},
      element("th", { scope: "row", textContent: first }),
      ...cells.map((text) => element("td", { textContent: text })),
    )
  );
  return element(
    "table",
    {},
    element("caption", { textContent: caption }),
    element("thead", {}, head),
    element("tbody", {}, ...body),
  );
}

function samplesOf({ name, samples }) {
  return samples.toReversed().map(({ step, samples }) =>
    element(
      "details",
      { open: true },
      element("summary", { textContent: `${name}, before update ${step + 1}` }),
      ...samples.map(({ prompt, text }) =>
        element(
          "p",
          { className: "sample" },
          element("span", { className: "prompt", textContent: prompt }),
          element("span", { textContent: text }),
        )
      ),
    )
  );
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show([]));
follow();
