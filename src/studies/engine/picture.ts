/**
 * Pictures of a study: lines over an axis, with intervals where they are known, as SVG that stands in
 * pages and in documents alike.
 *
 * @module
 */

/** A point; `low` to `high` is its interval. */
export interface Point {
  /** In the unit of the axis; where that has names, the number of one. */
  readonly x: number;
  readonly y: number;
  readonly low?: number;
  readonly high?: number;
}

/** A line with its name at its right end. */
export interface Line {
  readonly name: string;
  /** One that the picture is about. */
  readonly isStrong?: boolean;
  /** Whether it joins its points. */
  readonly isJoined?: boolean;
  readonly points: readonly Point[];
}

/** A picture. */
export interface Picture {
  /** Of its file, without `.svg`. */
  readonly name: string;
  /** What it shows, in a sentence. */
  readonly title: string;
  readonly x: {
    readonly label: string;
    readonly isLog?: boolean;
    readonly ticks: readonly { readonly at: number; readonly label: string }[];
  };
  readonly y: { readonly label: string; readonly digits: number };
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [720, 420];
const BOX = { left: 64, right: 560, top: 24, bottom: 372 };

/** Pixels between the points of lines at the same place. */
const ASIDE = 7;

/** Colours that stay apart for colour-blind readers (Okabe and Ito, 2008). */
const STRONG = "#0072b2";
const COLOURS = ["#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000"];

/** A line whose points have places in the picture. */
interface Drawn extends Line {
  readonly colour: string;
}

/** The picture as a file of its own. */
export function svgOf(picture: Picture): string {
  const { title, x: { ticks, label, isLog }, y: axis } = picture;
  const given = picture.lines.map((line) => ({
    ...line,
    points: line.points.filter(isFinitePoint),
  }))
    .filter(({ points }) => points.length > 0);
  const ys = given.flatMap(({ points }) =>
    points.flatMap(({ y, low, high }) => [y, low ?? y, high ?? y])
  );
  const xs = [
    ...ticks.map(({ at }) => at),
    ...given.flatMap(({ points }) => points.map(({ x }) => x)),
  ];
  const scaled = (value: number) => isLog ? Math.log(value) : value;
  const x = placer(xs.map(scaled), BOX.left + 12, BOX.right);
  const y = placer(ys, BOX.bottom, BOX.top);
  let colour = 0;
  // Points that no line joins stand beside each other.
  const aside = (line: number, { isJoined = true }: Line) =>
    isJoined ? 0 : ASIDE * (line - (given.length - 1) / 2);
  const lines = given.map((line, i): Drawn => ({
    ...line,
    colour: line.isStrong ? STRONG : COLOURS[colour++ % COLOURS.length]!,
    points: line.points.map(({ x: at, y: value, low, high }) => ({
      x: x(scaled(at)) + aside(i, line),
      y: y(value),
      ...(low !== undefined && high !== undefined && { low: y(low), high: y(high) }),
    })),
  }));
  const levels = levelsOf(ys);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="system-ui, sans-serif" font-size="12" role="img" aria-label="${escaped(title)}">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...levels.map((level) =>
      `<path d="M${BOX.left} ${y(level).toFixed(1)}H${BOX.right}" stroke="#ddd"/>` +
      text(BOX.left - 8, y(level) + 4, level.toFixed(axis.digits), "end")
    ),
    ...ticks.map(({ at, label }) => text(x(scaled(at)), BOX.bottom + 20, label, "middle")),
    text((BOX.left + BOX.right) / 2, HEIGHT - 8, label, "middle"),
    text(BOX.left, 14, axis.label, "start"),
    ...lines.map(drawLine),
    ...names(lines),
    "</svg>\n",
  ].join("\n");
}

const isFinitePoint = ({ x, y }: Point) => Number.isFinite(x) && Number.isFinite(y);

/** Places values between two ends. */
function placer(values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return (value) => from + (value - low) / (high - low || 1) * (to - from);
}

/** Five levels over the values. */
function levelsOf(values: readonly number[]): number[] {
  if (values.length === 0) return [];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (low === high) return [low];
  return Array.from({ length: 5 }, (_, i) => low + (high - low) * i / 4);
}

function drawLine({ points, colour, isStrong, isJoined = true }: Drawn): string {
  const at = (x: number, y: number) => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const path = points.map(({ x, y }) => at(x, y)).join("L");
  const width = isStrong ? 3 : 1.5;
  const marks = points.map(({ x, y, low, high }) =>
    (low === undefined || high === undefined
      ? ""
      : `<path d="M${at(x, low)}L${at(x, high)}" stroke="${colour}" stroke-opacity="0.5"/>`) +
    `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`
  );
  const joined = isJoined
    ? `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>`
    : "";
  return joined + marks.join("");
}

/** Pixels from one name to the next. */
const NAME_HEIGHT = 15;

/** Names beside the last points, moved apart where they would overlap. */
function names(lines: readonly Drawn[]): string[] {
  const ends = lines.map((line) => ({ line, at: line.points.at(-1)!.y }))
    .sort((a, b) => a.at - b.at);
  let free: number = BOX.top;
  for (const end of ends) {
    end.at = Math.max(end.at, free);
    free = end.at + NAME_HEIGHT;
  }
  free = BOX.bottom;
  for (const end of ends.toReversed()) {
    end.at = Math.min(end.at, free);
    free = end.at - NAME_HEIGHT;
  }
  return ends.map(({ line, at }) => {
    const weight = line.isStrong ? "bold" : "normal";
    return text(BOX.right + 20, at + 4, line.name, "start", line.colour, weight);
  });
}

const escaped = (words: string): string =>
  words.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

function text(
  x: number,
  y: number,
  words: string,
  anchor: "start" | "middle" | "end",
  colour = "#444",
  weight = "normal",
): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}" ` +
    `font-weight="${weight}">${escaped(words)}</text>`;
}
