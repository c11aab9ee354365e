/** Which fields stand in one chart, and what it is called; every other field has its own. */
const GROUPS = [
  { title: "Loss, nats a token", fields: ["loss", "eval_loss", "sft_loss"] },
  { title: "Rewards", fields: ["rewards_chosen", "rewards_rejected", "reward_margin"] },
  { title: "Learning rate", fields: ["lr"] },
  { title: "Gradient norm", fields: ["grad_norm"] },
  { title: "Tokens a second", fields: ["tokens_per_second"] },
];
/** What says nothing as a curve. */
const HIDDEN = ["tokens", "supervised", "chosen_tokens", "rejected_tokens"];
const HEIGHT = 190;
const DASHES = [[], [6, 4], [2, 3]];

const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`);
const colourOf = (index) => styleOf(`c${1 + index % 5}`);
const shown = (value) => value == null ? "" : String(Number(value.toPrecision(4)));

/** The charts that some runs want, in a fixed order. */
function groupsOf(runs) {
  const fields = [...new Set(runs.flatMap(({ curves }) => Object.keys(curves.fields)))]
    .filter((name) => !HIDDEN.includes(name));
  const grouped = GROUPS.map(({ title, fields: wanted }) => ({
    title,
    fields: wanted.filter((name) => fields.includes(name)),
  })).filter(({ fields }) => fields.length > 0);
  const taken = new Set(grouped.flatMap(({ fields }) => fields));
  const alone = fields.filter((name) => !taken.has(name)).map((name) => ({
    title: name.replaceAll("_", " "),
    fields: [name],
  }));
  return [grouped[0], ...alone, ...grouped.slice(1)].filter(Boolean);
}

/** All steps of some runs, and each run's numbers at them. */
function tableOf(runs, fields) {
  const steps = [...new Set(runs.flatMap(({ curves }) => curves.steps))].sort((a, b) => a - b);
  const columns = runs.flatMap(({ curves }) =>
    fields.map((name) => {
      const values = new Map(curves.steps.map((step, i) => [step, curves.fields[name]?.[i]]));
      return steps.map((step) => values.get(step) ?? null);
    })
  );
  return [steps, ...columns];
}

function axis() {
  return {
    stroke: styleOf("muted"),
    grid: { stroke: styleOf("grid"), width: 1 },
    ticks: { stroke: styleOf("rule"), width: 1 },
    font: "12px system-ui, sans-serif",
  };
}

/** What a run may forget, as a share; null where it has no budget of perplexity. */
function budgetOf({ config }) {
  const found = /^ppl:([\d.]+)%$/.exec(config.guard?.budget ?? "");
  return found ? Number(found[1]) / 100 : null;
}

/** The budgets that belong into a chart. */
function budgetsOf(fields, runs) {
  if (!fields.some((name) => name.startsWith("forgetting"))) return [];
  return [...new Set(runs.map(budgetOf).filter((budget) => budget !== null))];
}

/** A range with some room that holds all of some values. */
function rangeOf(values) {
  const known = values.filter((value) => value != null);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const room = 0.06 * (high - low) || Math.abs(high) || 1;
  return [low >= 0 ? Math.max(0, low - room) : low - room, high + room];
}

/** A line at each budget, beside what was forgotten. */
function drawBudgets(u, fields, runs) {
  const { left, width, top, height } = u.bbox;
  for (const budget of budgetsOf(fields, runs)) {
    const y = u.valToPos(budget, "y", true);
    if (y < top || y > top + height) continue;
    u.ctx.save();
    u.ctx.strokeStyle = u.ctx.fillStyle = styleOf("bad");
    u.ctx.lineWidth = devicePixelRatio;
    u.ctx.setLineDash([4, 4]);
    u.ctx.beginPath();
    u.ctx.moveTo(left, y);
    u.ctx.lineTo(left + width, y);
    u.ctx.stroke();
    u.ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    u.ctx.textAlign = "right";
    u.ctx.fillText(`budget ${shown(budget)}`, left + width, y - 4 * devicePixelRatio);
    u.ctx.restore();
  }
}

/** Draws a chart into a new figure. */
function drawCurves(host, { title, fields }, runs) {
  const figure = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const readout = document.createElement("span");
  readout.className = "readout";
  caption.append(title, " ", readout);
  const plot = document.createElement("div");
  figure.append(caption, plot);
  host.append(figure);
  const data = tableOf(runs, fields);
  const series = runs.flatMap(({ name }, r) =>
    fields.map((field, f) => ({
      label:
        [runs.length > 1 ? name : "", fields.length > 1 ? field : ""].filter(Boolean).join(" ") ||
        field,
      stroke: colourOf(runs.length > 1 ? r : f),
      dash: runs.length > 1 ? DASHES[f % DASHES.length] : [],
      width: 1.5,
      spanGaps: true,
      points: { show: data[0].length < 40, size: 4 },
    }))
  );
  const last = series.map(({ label }, s) =>
    `${label} ${shown(data[s + 1].findLast((y) => y != null))}`
  );
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", `${title} over updates; at the end ${last.join(", ")}`);
  const width = () => Math.max(120, plot.clientWidth);
  const u = new uPlot(
    {
      width: width(),
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: true, y: false }, sync: { key: "updates" } },
      scales: {
        x: { time: false },
        y: { range: (_, low, high) => rangeOf([low, high, ...budgetsOf(fields, runs)]) },
      },
      axes: [axis(), { ...axis(), size: 56, values: (_, ticks) => ticks.map(shown) }],
      series: [{}, ...series],
      hooks: {
        draw: [(u) => drawBudgets(u, fields, runs)],
        setCursor: [({ cursor: { idx } }) => {
          const values = series.flatMap(({ label }, s) =>
            data[s + 1][idx] == null ? [] : [`${label} ${shown(data[s + 1][idx])}`]
          );
          readout.textContent = idx == null
            ? last.join(", ")
            : `${data[0][idx]}: ${values.join(", ")}`;
        }],
      },
    },
    data,
    plot,
  );
  readout.textContent = last.join(", ");
  new ResizeObserver(() => u.setSize({ width: width(), height: HEIGHT })).observe(plot);
}

globalThis.charts = { groupsOf, drawCurves, colourOf, shown };
