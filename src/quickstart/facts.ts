/**
 * What is always so in the small world: maps from words to words.
 *
 * @module
 */

/** From a word to a word. */
type Facts = Readonly<Record<string, string>>;

/** Pairs of words, written `from to, from to, ...`; what follows the first space is the second. */
const pairs = (text: string): Facts =>
  Object.fromEntries(
    text.trim().split(/,\s+/).map((pair) => {
      const space = pair.indexOf(" ");
      return [pair.slice(0, space), pair.slice(space + 1)];
    }),
  );

/** Each word and the next, of lists that are told in order. */
const successors = (...lists: readonly string[]): Facts =>
  Object.fromEntries(
    lists.map((text) => text.trim().split(/,\s+/)).flatMap((words) =>
      words.slice(1).map((word, i) => [words[i]!, word])
    ),
  );

/** Each noise-making animal and what it says. */
export const SOUNDS: Facts = pairs(
  `cat meow, dog woof, bird tweet, duck quack, frog ribbit, cow moo,
  pig oink, sheep baa, horse neigh, hen cluck, owl hoot, bee buzz, mouse squeak, lion roar, wolf howl,
  crow caw, goose honk, snake hiss`,
);

/** Where some animals live. */
export const HOMES: Facts = pairs(
  `bird nest, bee hive, cow barn, fish sea, fox den, frog pond, horse stable,
  rabbit hole, owl tree, pig pen`,
);

/** What the young of some animals are called. */
export const YOUNG: Facts = pairs(
  `cat kitten, dog puppy, cow calf, duck duckling, hen chick, sheep lamb,
  horse foal, pig piglet, bear cub, goat kid, frog tadpole, owl owlet, goose gosling, deer fawn,
  swan cygnet, spider spiderling`,
);

/** What some animals eat. */
export const MEALS: Facts = pairs(
  `cow grass, rabbit carrots, mouse cheese, horse hay, monkey bananas,
  squirrel nuts, bird seeds, dog bones, hen corn, goat leaves, bear honey, pig apples, owl mice,
  frog flies, duck bread, cat fish, fox eggs, turtle berries`,
);

/** The color of things that have always the same. */
export const HUES: Facts = pairs(
  `grass green, sky blue, sun yellow, snow white, night black, lemon yellow,
  banana yellow, cherry red, carrot orange, pumpkin orange, milk white, mud brown, plum purple,
  grape purple, sea blue, blood red, coal black, cloud gray, rock gray, corn yellow, leaf green,
  bread brown`,
);

/** What comes after a day, a number or a season. */
export const NEXT: Facts = successors(
  "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday, Monday",
  "one, two, three, four, five, six, seven, eight, nine, ten, eleven, twelve",
  "spring, summer, fall, winter, spring",
);
