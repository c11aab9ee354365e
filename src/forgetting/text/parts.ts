/**
 * Which document of retention text is in which part.
 *
 * @module
 */
import { split } from "../../data/mod.ts";

/** The parts that are held back. */
export const HELD = ["control", "certificate", "probe"] as const;
/** One of those: the controller and the selection work by `control`, `certificate` is touched once, `probe` is shown. */
export type HeldPart = typeof HELD[number];

/** What an adapter has had to do with a document: nothing, it was controlled by it, or trained on it. */
export type Earlier = "fresh" | "controlled" | "trained";

/** The largest share of a domain that each held-back part takes: where the rest is trained on, and
 * where nothing is. */
const MOST: Readonly<Record<"trained" | "measured", Readonly<Record<HeldPart, number>>>> = {
  trained: { control: 1 / 6, certificate: 1 / 3, probe: 1 / 12 },
  measured: { control: 1 / 3, certificate: 1 / 2, probe: 1 / 6 },
};

/** Fewer documents than this leave a part without a spread to reckon with. */
export const FEWEST = 2;

/** How documents are parted. */
export interface PartOptions {
  /** How many documents each held-back part has at most. */
  readonly held: Readonly<Record<HeldPart, number>>;
  /** Whether the others are trained on. */
  readonly trains: boolean;
  readonly seed: number;
}

/** A document's text, and what an adapter has had to do with it. */
export interface PartedText {
  readonly text: string;
  readonly earlier: Earlier;
}

/** Indices of the documents of each part, ascending. */
export type Parts = Readonly<Record<"train" | HeldPart, readonly number[]>>;

/** Fewer documents of a text leave a part without its {@link FEWEST}. */
export const fewestOf = (trains: boolean): number => Math.ceil(FEWEST / mostOf(trains).probe);

const mostOf = (trains: boolean) => MOST[trains ? "trained" : "measured"];

/**
 * Parts documents at random. One that the adapter was trained on is held back for nothing; one that
 * controlled it may control it again, and neither certifies it nor is shown.
 */
export function partDocuments(documents: readonly PartedText[], options: PartOptions): Parts {
  const { held, trains, seed } = options;
  const most = mostOf(trains);
  const of = (wanted: Earlier) =>
    documents.flatMap(({ earlier }, i) => earlier === wanted ? [i] : []);
  const [fresh, controlled, trained] = [of("fresh"), of("controlled"), of("trained")];
  const usable = fresh.length + controlled.length + (trains ? trained.length : 0);
  const wanted = (part: HeldPart) =>
    Math.min(held[part], Math.max(1, Math.floor(most[part] * usable)));
  const take = (from: readonly number[], counts: Readonly<Record<string, number>>) =>
    draw(documents, from, counts, seed);

  const again = take(controlled, { control: wanted("control") });
  const left = fresh.length;
  const probe = Math.min(wanted("probe"), left);
  const control = Math.min(wanted("control") - again["control"]!.length, left - probe);
  // What controlled before makes room: where nothing is trained, all that is left certifies.
  const share = trains || controlled.length === 0 ? wanted("certificate") : held.certificate;
  const certificate = Math.min(share, left - probe - control);
  const parts = take(fresh, { control, certificate, probe });
  const sorted = (...indices: (readonly number[])[]) => indices.flat().sort((a, b) => a - b);
  return {
    control: sorted(again["control"]!, parts["control"]!),
    certificate: parts["certificate"]!,
    probe: parts["probe"]!,
    train: trains ? sorted(parts["rest"]!, again["rest"]!, trained) : [],
  };
}

/** Draws so many of some documents into each part; what is left over is `rest`. */
function draw(
  documents: readonly PartedText[],
  from: readonly number[],
  counts: Readonly<Record<string, number>>,
  seed: number,
): Record<string, readonly number[]> {
  const none = Object.fromEntries([...Object.keys(counts), "rest"].map((part) => [part, []]));
  if (from.length === 0) return none;
  const shares = Object.entries(counts)
    .map(([part, count]) => [part, Math.min(count, from.length) / from.length] as const);
  const rest = 1 - shares.reduce((sum, [, share]) => sum + share, 0);
  const all = [...shares, ["rest", rest] as const].filter(([, share]) => share > 1e-9);
  const found = split(from.map((i) => documents[i]!.text), Object.fromEntries(all), seed);
  return {
    ...none,
    ...Object.fromEntries(
      Object.entries(found).map(([part, indices]) => [part, indices.map((i) => from[i]!)]),
    ),
  };
}
