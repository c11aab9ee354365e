/* Draws the charts that #charts describes (see chart.ts), with uPlot, in the style sheet's colours. */

const FONT_SIZE = 12;
const LINE = FONT_SIZE + 3;
const GAP = 8;
const WIDTHS = { solid: 2, thin: 1 };
const DOTS = { full: 6, open: 7, ring: 13 };
const LIMIT_DASH = [5, 4];

const font = (scale = 1) => `${FONT_SIZE * scale}px system-ui, sans-serif`;

const colour = (name) =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Rows of all series by x: a row holds at most one point of each. */
function rowsOf(series) {
  const all = series.flatMap(({ points }, s) => points.map((point) => ({ point, s })));
  const rows = [];
  for (const { point, s } of all.sort((a, b) => a.point[0] - b.point[0])) {
    const last = rows.at(-1);
    const fits = last && last.x === point[0] && !last.points[s];
    const row = fits ? last : { x: point[0], points: series.map(() => null) };
    if (!fits) rows.push(row);
    row.points[s] = point;
  }
  return rows;
}

const place = (u, [x, y]) => [u.valToPos(x, "x", true), u.valToPos(y, "y", true)];

/** A line through the points in their own order, which need not be that of x. */
function lineThrough(points) {
  return (u) => {
    const stroke = new Path2D();
    for (const point of points) stroke.lineTo(...place(u, point));
    return { stroke };
  };
}

const seriesOptions = ({ colour: name, line, dots, points }) => ({
  stroke: () => colour(name),
  width: WIDTHS[line] ?? 0,
  paths: line ? lineThrough(points) : () => null,
  points: {
    show: dots !== null,
    size: DOTS[dots] ?? 0,
    width: dots === "full" ? 0 : 2,
    stroke: () => colour(name),
    fill: () => dots === "full" ? colour(name) : "transparent",
  },
});

/** Of a logarithmic axis only 1, 2 and 5 of a decade are named; only 1 where there are many. */
function namedOnly({ log, range }) {
  if (!log) return {};
  const digits = range[1] / range[0] > 100 ? /^1e/ : /^[125]e/;
  const named = (value) => digits.test(Number(value.toPrecision(9)).toExponential());
  return { filter: (_, splits) => splits.map((value) => named(value) ? value : null) };
}

const axisOptions = (more) => ({
  stroke: () => colour("muted"),
  font: font(),
  grid: { stroke: () => colour("grid"), width: 1 },
  ticks: { show: false },
  ...more,
});

/** Draws in the pixels of the canvas, inside the chart's own area or anywhere. */
function paint(u, clipped, draw) {
  const { ctx, bbox } = u;
  ctx.save();
  if (clipped) {
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
  }
  ctx.font = font(devicePixelRatio);
  ctx.lineWidth = devicePixelRatio;
  ctx.textAlign = "left";
  ctx.textBaseline = "alphabetic";
  draw(ctx, bbox, devicePixelRatio);
  ctx.restore();
}

function drawErrors(u, { series }) {
  paint(u, true, (ctx) => {
    for (const { colour: name, points } of series) {
      ctx.strokeStyle = colour(name);
      for (const [x, y, error] of points) {
        if (!error) continue;
        ctx.beginPath();
        ctx.moveTo(...place(u, [x, y - error]));
        ctx.lineTo(...place(u, [x, y + error]));
        ctx.stroke();
      }
    }
  });
}

function drawLimits(u, { limits }) {
  paint(u, false, (ctx, { left, top, width, height }, scale) => {
    ctx.setLineDash(LIMIT_DASH.map((length) => length * scale));
    for (const { axis, at, label, colour: name } of limits) {
      const across = Math.round(u.valToPos(at, axis, true));
      ctx.strokeStyle = ctx.fillStyle = colour(name);
      ctx.beginPath();
      if (axis === "y") {
        ctx.moveTo(left, across);
        ctx.lineTo(left + width, across);
      } else {
        ctx.moveTo(across, top);
        ctx.lineTo(across, top + height);
        const fits = across + GAP * scale + ctx.measureText(label).width < left + width;
        ctx.textAlign = fits ? "left" : "right";
        ctx.fillText(label, across + (fits ? GAP : -GAP) * scale, top + FONT_SIZE * scale);
      }
      ctx.stroke();
    }
  });
}

/** What stands beside a chart, and at which y: names of series, and of limits of y. */
function namesBeside({ series, limits }) {
  return [
    ...series.filter(({ named, points }) => named && points.length > 0)
      .map(({ name, colour, points }) => ({ name, colour, at: points.at(-1)[1] })),
    ...limits.filter(({ axis }) => axis === "y")
      .map(({ label, colour, at }) => ({ name: label, colour, at })),
  ];
}

/** Names beside the chart, moved apart where they would meet. */
function drawNames(u, chart) {
  paint(u, false, (ctx, { left, top, width, height }, scale) => {
    const names = namesBeside(chart).map((name) => ({ ...name, y: u.valToPos(name.at, "y", true) }))
      .sort((a, b) => a.y - b.y);
    const step = LINE * scale;
    let lowest = top + height;
    for (const label of names.toReversed()) lowest = (label.y = Math.min(label.y, lowest)) - step;
    let highest = top;
    for (const label of names) highest = (label.y = Math.max(label.y, highest)) + step;
    ctx.textBaseline = "middle";
    for (const { name, colour: of, y } of names) {
      ctx.fillStyle = colour(of);
      ctx.fillText(name, left + width + GAP * scale, y);
    }
  });
}

/** Words at points, on the side where they fit; what would cover an earlier one is left out. */
function drawNotes(u, { notes }) {
  paint(u, false, (ctx, { left, width }, scale) => {
    const taken = [];
    for (const { text, side, colour: name, ...point } of notes) {
      const [x, y] = place(u, [point.x, point.y]);
      const wide = ctx.measureText(text).width;
      const right = x + GAP * scale + wide < left + width;
      const from = right ? x + GAP * scale : x - GAP * scale - wide;
      const base = y + (side === "above" ? -GAP : GAP + FONT_SIZE) * scale;
      const covers = (other) =>
        from < other.to && other.from < from + wide && Math.abs(base - other.base) < LINE * scale;
      if (taken.some(covers)) continue;
      taken.push({ from, to: from + wide, base });
      ctx.fillStyle = colour(name);
      ctx.fillText(text, from, base);
    }
  });
}

/** What an axis measures, above it, where it is read without turning the head. */
function drawUnit(u, { y }) {
  paint(u, false, (ctx, _, scale) => {
    ctx.fillStyle = colour("muted");
    ctx.fillText(y.label, 0, FONT_SIZE * scale);
  });
}

/** Room for the longest name beside a chart, the same for charts one above the other. */
function nameWidth(charts) {
  const ctx = document.createElement("canvas").getContext("2d");
  ctx.font = font();
  const widths = charts.flatMap(namesBeside).map(({ name }) => ctx.measureText(name).width);
  return Math.ceil(Math.max(0, ...widths)) + 2 * GAP;
}

const number = (value) => String(Number(value.toPrecision(4)));

/** A row in words. */
function rowText({ x, series }, row) {
  const points = row.points.flatMap((point, s) => {
    if (!point) return [];
    const [, height, , label] = point;
    return [`${label ?? series[s].name} ${number(height)}`.trim()];
  });
  return `${x.label} ${number(row.x)}: ${points.join(", ")}`;
}

function drawChart(chart, _, charts) {
  const host = document.getElementById(chart.id);
  const readout = host.parentElement.querySelector(".readout");
  const { x, y, series } = chart;
  const rows = rowsOf(series);
  const beside = charts.filter((other) => other.x.label === x.label);
  const size = () => ({ width: host.clientWidth, height: host.clientHeight });
  const scale = ({ log, range }) => ({ time: false, distr: log ? 3 : 1, range: () => range });
  const u = new uPlot(
    {
      ...size(),
      padding: [LINE + GAP, Math.min(nameWidth(beside), host.clientWidth / 3), 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, sync: { key: x.label } },
      scales: { x: scale(x), y: scale(y) },
      axes: [
        axisOptions({ label: x.label, labelFont: font(), labelSize: 20, size: 28 }),
        axisOptions({ size: 44, ...namedOnly(y) }),
      ],
      series: [{}, ...series.map(seriesOptions)],
      hooks: {
        draw: [drawUnit, drawErrors, drawLimits, drawNames, drawNotes].map((draw) => (u) =>
          draw(u, chart)
        ),
        setCursor: [({ cursor: { idx } }) => {
          readout.textContent = idx == null ? "" : rowText(chart, rows[idx]);
        }],
      },
    },
    [
      rows.map(({ x }) => x),
      ...series.map((_, s) => rows.map(({ points }) => points[s]?.[1] ?? null)),
    ],
    host,
  );
  new ResizeObserver(() => u.setSize(size())).observe(host);
  return u;
}

const drawn = JSON.parse(document.getElementById("charts").textContent).map(drawChart);
for (const query of ["(prefers-color-scheme: dark)", "print"]) {
  matchMedia(query).addEventListener("change", () => drawn.forEach((u) => u.redraw()));
}
