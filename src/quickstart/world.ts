/**
 * The small world that the quickstart's stories and tasks speak of: its words and its facts.
 *
 * @module
 */

import { HOMES, SOUNDS } from "./facts.ts";

/** How a boy, a man or a male animal is spoken of. */
export const MALE: Readonly<Record<string, string>> = {
  he: "he",
  him: "him",
  his: "his",
  himself: "himself",
  girl: "boy",
  sister: "brother",
};
/** How a girl, a woman or a female animal is spoken of, under the same keys as `MALE`. */
export const FEMALE: typeof MALE = {
  he: "she",
  him: "her",
  his: "her",
  himself: "herself",
  girl: "girl",
  sister: "sister",
};

const list = (words: string): readonly string[] => words.trim().split(/,\s+/);

/** Names of girls. */
export const GIRLS: readonly string[] = list(
  "Lily, Anna, Mia, Sue, Rose, Emma, Lucy, Kate",
);
/** Names of boys. */
export const BOYS: readonly string[] = list(
  "Ben, Tom, Max, Sam, Tim, Leo, Jack, Dan",
);
/** Names of all children. */
export const CHILDREN: readonly string[] = [...GIRLS, ...BOYS];
/** Names that only animals bear. */
export const ANIMAL_NAMES: readonly string[] = list(
  "Pip, Coco, Bruno, Dot, Milo, Ruby, Fuzzy, Sunny, Hazel, Spot",
);
/** Grown-ups of a family. */
export const PARENTS: readonly string[] = list("mom, dad, grandma, grandpa");

/** All animals. */
export const ANIMALS: readonly string[] = list(
  `cat, dog, bird, duck, frog, cow, pig, sheep, horse, hen, owl, bee, mouse,
  lion, fish, fox, rabbit, bear, turtle, squirrel, goat, monkey, elephant`,
);

/** The words of each category that a story or a task may ask for. */
export const WORDS: Readonly<Record<string, readonly string[]>> = {
  animal: ANIMALS,
  beast: Object.keys(SOUNDS),
  color: list("red, blue, green, yellow, pink, brown, white, black, orange, purple, gray"),
  baked: list("cake, pie, pizza"),
  climber: list("tall man, big bear, monkey, squirrel"),
  critter: list(
    "rabbit, fox, squirrel, duck, frog, mouse, turtle, cat, dog, goat, pig, hen, sheep",
  ),
  feeling: list("happy, sad, scared, angry, tired, proud, hungry, sleepy, excited, lonely"),
  food: list("cake, pie, cookie, sandwich, muffin, pizza, pancake, bun"),
  fruit: list("apple, pear, banana, cherry, plum, berry, peach, lemon, grape, melon"),
  flyer: list("kite, ball, plane, balloon"),
  fur: list("brown, white, black, gray"),
  game: list("sing, dance, jump, run, play"),
  hobby: list("sing, dance, draw, read, swim, jump, run, paint, climb, cook, play"),
  parent: PARENTS,
  pet: list("cat, dog, bird, rabbit, mouse, turtle, duck, hen"),
  place: list(`park, beach, farm, forest, lake, garden, school, store, river, hill, zoo, library,
    barn, bridge, market, field, castle, pond`),
  outdoors: list("park, beach, farm, forest, lake, garden, river, hill, field, pond"),
  plant: list("flower, tree, bush, rose"),
  livestock: list("cow, pig, sheep, horse, hen, duck, dog, cat"),
  thief: list("dog, fox, bear, monkey, bird, goat"),
  homed: Object.keys(HOMES),
  thing: list(`hat, cup, key, coin, book, spoon, shoe, scarf, bell, ring, pencil, button, bag, coat,
    box, basket, blanket, umbrella`),
  toy: list("ball, doll, car, boat, drum, train, robot, kite, puppet, truck, plane, whistle"),
  indoor: list(`under the bed, behind the door, under the table, behind the couch, under the chair,
    in the closet`),
  outdoor: list(`behind a tree, in the tall grass, behind a big rock, under a bush, behind the barn,
    behind the gate`),
  spot: list(`under the bed, behind the door, in the box, under the table, behind the tree,
    in the bag, under the chair, behind the couch, in the basket, in the tall grass,
    behind the big rock`),
  room: list("kitchen, bedroom, bathroom, living room, attic, garage"),
};

/** What kind of thing a word names, for the words whose kind the world knows. */
export const KINDS: Readonly<Record<string, string>> = Object.fromEntries(
  ["animal", "fruit", "place", "toy"].flatMap((kind) => WORDS[kind]!.map((word) => [word, kind])),
);

/** The preposition of each place where it is not "at". */
export const PREPOSITIONS: Readonly<Record<string, string>> = {
  park: "in",
  farm: "on",
  forest: "in",
  lake: "by",
  garden: "in",
  river: "by",
  hill: "on",
  library: "in",
  barn: "in",
  bridge: "on",
  field: "in",
  castle: "in",
  pond: "by",
};

/** Words and their opposites, each pair once. */
export const OPPOSITES: readonly (readonly [string, string])[] = list(`big small, hot cold,
  happy sad, day night, up down, fast slow, wet dry, old new, full empty, loud quiet, hard soft,
  long short, high low, clean dirty, good bad, near far, early late, black white`)
  .map((pair) => pair.split(" ") as [string, string]);

/** A verb: base form, third person singular, past. */
export type Verb = readonly [base: string, third: string, past: string];

/** Verbs that need nothing after them. */
export const VERBS: readonly Verb[] = list(`run runs ran, swim swims swam, sing sings sang,
  jump jumps jumped, walk walks walked, sleep sleeps slept, eat eats ate, draw draws drew,
  read reads read, dance dances danced, play plays played, cook cooks cooked, laugh laughs laughed,
  cry cries cried, climb climbs climbed, paint paints painted, sit sits sat,
  stand stands stood, wait waits waited, work works worked, smile smiles smiled`)
  .map((forms) => forms.split(" ") as [string, string, string]);

/** Number words; the index is the number. */
export const NUMBERS: readonly string[] = list(
  "zero, one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
);

const IRREGULAR: Readonly<Record<string, string>> = {
  mouse: "mice",
  sheep: "sheep",
  fish: "fish",
  leaf: "leaves",
  child: "children",
  foot: "feet",
  tooth: "teeth",
  scarf: "scarves",
  "living room": "living rooms",
};

/** The plural of a noun of this world. */
export function plural(noun: string): string {
  const irregular = IRREGULAR[noun];
  if (irregular) return irregular;
  if (/[^aeiou]y$/.test(noun)) return noun.slice(0, -1) + "ies";
  return noun + (/(s|x|ch|sh|to)$/.test(noun) ? "es" : "s");
}

/** The opposite of a word, or undefined where the world knows none. */
export function opposite(word: string): string | undefined {
  const pair = OPPOSITES.find((pair) => pair.includes(word));
  return pair && (pair[0] === word ? pair[1] : pair[0]);
}

/** The forms of the verb with this base form, or undefined where the world does not know it. */
export function verbOf(base: string): Verb | undefined {
  return VERBS.find((verb) => verb[0] === base);
}

/** Whether the word is a child's name or a grown-up of a family. */
export function isPerson(word: string): boolean {
  return CHILDREN.includes(word) || PARENTS.includes(word);
}

/** Whether a name or a family word is a woman's or a girl's. */
export function isFemale(name: string): boolean {
  return GIRLS.includes(name) || name === "mom" || name === "grandma";
}

/** The word with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The text with "a" turned into "an" before a vowel; no word here is like "hour". */
export function withArticles(text: string): string {
  return text.replace(/\b([Aa]) (?=[aeiou])/g, "$1n ");
}
