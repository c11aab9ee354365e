/**
 * The guard experiment as a picture: task loss over budget, a line for each arm.
 *
 * @module
 */
import { summary } from "../../forgetting/statistics.ts";
import type { Cell } from "./cell.ts";
import type { Spec } from "./spec.ts";

const [WIDTH, HEIGHT] = [720, 420];
const BOX = { left: 64, right: 560, top: 24, bottom: 372 };

/** Colours that stay apart for colour-blind readers (Okabe and Ito, 2008). */
const CONTROLLED = "#0072b2";
const COLOURS = ["#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f", "#000000"];

interface Line {
  readonly name: string;
  readonly colour: string;
  readonly isControlled: boolean;
  readonly points: readonly { readonly x: number; readonly y: number }[];
}

/** An SVG of the mean task loss at each budget; names stand at the right end of their lines. */
export function picture(
  cells: readonly Cell[],
  { arms, budgets }: Pick<Spec, "arms" | "budgets">,
): string {
  const meanAt = (arm: string, budget: number) => {
    const found = cells.filter((cell) => cell.arm === arm && cell.budget === budget);
    return found.length > 0 ? summary(found.map(({ task }) => task)).mean : NaN;
  };
  const values = arms.map(({ name }) => budgets.map((budget) => meanAt(name, budget)));
  const all = values.flat().filter(Number.isFinite);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  const [first, last] = [Math.log(budgets[0]!), Math.log(budgets.at(-1)!)];
  const x = (budget: number) =>
    BOX.left + (Math.log(budget) - first) / (last - first || 1) * (BOX.right - BOX.left);
  const y = (loss: number) =>
    BOX.bottom - (loss - low) / (high - low || 1) * (BOX.bottom - BOX.top);
  let colour = 0;
  const lines = arms.map(({ name, isControlled }, i): Line => ({
    name,
    isControlled,
    colour: isControlled ? CONTROLLED : COLOURS[colour++ % COLOURS.length]!,
    points: budgets.flatMap((budget, j) => {
      const loss = values[i]![j]!;
      return Number.isFinite(loss) ? [{ x: x(budget), y: y(loss) }] : [];
    }),
  })).filter(({ points }) => points.length > 0);
  const ticks = Array.from({ length: 5 }, (_, i) => low + (high - low) * i / 4);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="system-ui, sans-serif" font-size="12" role="img" ` +
    `aria-label="Task loss of each arm over the budget">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...ticks.map((loss) =>
      `<path d="M${BOX.left} ${y(loss)}H${BOX.right}" stroke="#ddd"/>` +
      text(BOX.left - 8, y(loss) + 4, loss.toFixed(2), "end")
    ),
    ...budgets.map((budget) => text(x(budget), BOX.bottom + 20, `${budget} %`, "middle")),
    text((BOX.left + BOX.right) / 2, HEIGHT - 8, "budget: rise of perplexity", "middle"),
    text(BOX.left, 14, "task loss, nats a token", "start"),
    ...lines.map(drawLine),
    ...labels(lines),
    "</svg>\n",
  ].join("\n");
}

function drawLine({ points, colour, isControlled }: Line): string {
  const path = points.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
  const dots = points.map(({ x, y }) =>
    `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`
  );
  const width = isControlled ? 3 : 1.5;
  return `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="${width}"/>` +
    dots.join("");
}

/** Names beside the last points, moved apart where they would overlap. */
function labels(lines: readonly Line[]): string[] {
  const ends = lines.map((line) => ({ line, y: line.points.at(-1)!.y }))
    .sort((a, b) => a.y - b.y);
  let free = BOX.top;
  return ends.map(({ line, y }) => {
    const at = Math.max(y, free);
    free = at + 15;
    const weight = line.isControlled ? "bold" : "normal";
    return text(BOX.right + 28, at + 4, line.name, "start", line.colour, weight);
  });
}

function text(
  x: number,
  y: number,
  words: string,
  anchor: "start" | "middle" | "end",
  colour = "#444",
  weight = "normal",
): string {
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" fill="${colour}" ` +
    `font-weight="${weight}">${escaped}</text>`;
}
