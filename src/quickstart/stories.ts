/**
 * Simple English stories without end, for pretraining the quickstart's base model. Plots are plain
 * text under `plots/`: a plot has one beat a line, a beat its variants between " / ", and the slots
 * that `scene.ts` explains.
 *
 * @module
 */

import closingsText from "./plots/closings.txt" with { type: "text" };
import interludesText from "./plots/interludes.txt" with { type: "text" };
import openingsText from "./plots/openings.txt" with { type: "text" };
import animals from "./plots/animals.txt" with { type: "text" };
import food from "./plots/food.txt" with { type: "text" };
import people from "./plots/people.txt" with { type: "text" };
import school from "./plots/school.txt" with { type: "text" };
import toys from "./plots/toys.txt" with { type: "text" };
import { tellLesson } from "./lessons.ts";
import { Dice } from "./random.ts";
import { type Cast, Scene } from "./scene.ts";

/** Seed of the stories that the base model is pretrained on. */
export const PRETRAIN_SEED: number = 1;
/** Seed of the unseen stories that measure the base model's perplexity. */
export const EVAL_SEED: number = 2;
/** Seed of the stories that measure and guard against forgetting. */
export const RETENTION_SEED: number = 3;

/** The share of texts that are lessons: some three quarters of the tokens. */
const LESSONS = 0.9;

interface Plot {
  readonly cast: Cast | "any";
  /** Whether the plot speaks of the weather or the hour itself. */
  readonly ownWeather: boolean;
  /** Roles that the plot fixes before it begins, as [role, template]. */
  readonly roles: readonly (readonly [string, string])[];
  readonly beats: readonly (readonly string[])[];
}

const HEADER = /^# [^:]+: (child|animal|any)(, own weather)?(?:; (.+))?$/;

function parsePlot(text: string): Plot {
  const [title = "", ...lines] = text.trim().split("\n");
  const header = HEADER.exec(title);
  if (!header) throw new SyntaxError(`Found "${title}", wanted the title of a plot`);
  const roles = header[3]?.split(", ").map((role) => role.split("=") as [string, string]) ?? [];
  return {
    cast: header[1] as Plot["cast"],
    ownWeather: header[2] !== undefined,
    roles,
    beats: lines.map((line) => line.split(/ \/(?: |$)/)),
  };
}

function parseSections(text: string): Record<string, readonly string[]> {
  const sections = text.trim().split("\n\n").map((section) => section.split("\n"));
  return Object.fromEntries(sections.map(([title, ...lines]) => [title!.slice(2), lines]));
}

const PLOTS = [toys, food, animals, people, school]
  .flatMap((text) => text.trim().split("\n\n")).map(parsePlot);
const OPENINGS = parseSections(openingsText);
const INTERLUDES = parseSections(interludesText);
const CLOSINGS = parseSections(closingsText).any!;

/** Number of words in a text, as spaces divide them. */
export function wordCount(text: string): number {
  return text.split(/\s+/).length;
}

/**
 * A lesson, or a story of 40 to 160 words in three paragraphs; the same for the same seed and index.
 */
export function story(seed: number, index: number): string {
  const dice = new Dice(seed, index);
  if (dice.chance(LESSONS)) return tellLesson(dice);
  const plot = dice.pick(PLOTS);
  const cast = plot.cast === "any" ? dice.pick<Cast>(["child", "animal"]) : plot.cast;
  const scene = new Scene(cast, dice);
  for (const [role, template] of plot.roles) scene.bind(role, template);
  const opening = tellOpening(plot, scene);
  const middle = plot.beats.map((variants) => scene.fill(dice.pick(variants)));
  const closings = CLOSINGS.filter((closing) => scene.knows(closing));
  const closing = dice.chance(0.7) ? scene.fill(dice.pick(closings)) : "";
  return [opening, middle.filter(Boolean).join(" "), closing].filter(Boolean).join("\n");
}

function tellOpening(plot: Plot, scene: Scene): string {
  const { cast, dice } = scene;
  const sentences = [scene.fill(dice.pick(OPENINGS[cast]!))];
  if (dice.chance(0.5)) sentences.push(scene.fill(dice.pick(INTERLUDES[cast]!)));
  if (!plot.ownWeather && dice.chance(0.3)) sentences.push(scene.fill(dice.pick(INTERLUDES.any!)));
  return sentences.join(" ");
}

/** The first `count` stories of a seed. */
export function* stories(seed: number, count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield story(seed, index);
}
