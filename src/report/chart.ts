/**
 * What a chart shows, as data that `plots.js` draws in the page.
 *
 * @module
 */
import { type Html, markup, type Piece } from "./html.ts";

/** A point with its standard error and what it is called, where it has them. */
export type Point = readonly [x: number, y: number, error?: number | null, label?: string];

/** A curve, or a cloud of points. */
export interface Series {
  readonly name: string;
  /** A colour of the style sheet. */
  readonly colour: string;
  readonly line: "solid" | "thin" | null;
  readonly dots: "full" | "open" | "ring" | null;
  readonly points: readonly Point[];
  /** Whether its name stands beside its last point. */
  readonly named: boolean;
}

/** A line across the whole chart, such as a budget. */
export interface Limit {
  readonly axis: "x" | "y";
  readonly at: number;
  readonly label: string;
  readonly colour: string;
}

/** Words at a point. */
export interface Note {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly side: "above" | "below";
  readonly colour: string;
}

export interface Axis {
  readonly label: string;
  readonly log?: boolean;
  readonly range: readonly [number, number];
}

export interface Chart {
  readonly id: string;
  readonly x: Axis;
  readonly y: Axis;
  readonly series: readonly Series[];
  readonly limits: readonly Limit[];
  readonly notes: readonly Note[];
}

/** A chart with its title, what it says for those who cannot see it, and a note under it. */
export interface Figure {
  readonly chart: Chart;
  readonly title: string;
  readonly alt: string;
  readonly note?: Piece;
}

/** A chart without the points that have no place in it. */
export const drawable = (chart: Chart): Chart => ({
  ...chart,
  series: chart.series.map((series) => ({
    ...series,
    points: series.points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y)),
  })),
  notes: chart.notes.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y)),
});

/** Colours that differ in lightness too, so that no two look alike to colour-blind eyes. */
const COLOURS = ["c1", "c2", "c3", "c4", "c5"];

export const colourOf = (index: number): string => COLOURS[index % COLOURS.length]!;

/** The place that the script draws a chart into. */
export function figure({ chart: { id }, title, alt, note }: Figure): Html {
  return markup`<figure>
<figcaption>${title} <span class="readout" aria-hidden="true"></span></figcaption>
<div class="plot" id="${id}" role="img" aria-label="${alt}"></div>
${note ? markup`<p class="note">${note}</p>` : null}
</figure>`;
}

/** A range that holds some values, from zero where that is not far. */
export function linearRange(values: readonly number[]): [number, number] {
  const [low, high] = extent(values);
  const from = low > 0 && low < 0.6 * high ? 0 : low;
  const pad = 0.06 * (high - from) || Math.abs(high) || 1;
  return [from === 0 ? 0 : from - pad, high + pad];
}

/** A range of a logarithmic axis. */
export function logRange(values: readonly number[]): [number, number] {
  const [low, high] = extent(values);
  return [low / 1.25, high * 1.25];
}

function extent(values: readonly number[]): [number, number] {
  const finite = values.filter(Number.isFinite);
  return finite.length > 0 ? [Math.min(...finite), Math.max(...finite)] : [0, 1];
}
