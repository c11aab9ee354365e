/**
 * The families of instructions over the small world. A family shows an input, asks for something in
 * one of several phrasings, and knows the answer; all are templates of `scene.ts`.
 *
 * @module
 */

/** A family of instructions. */
export interface Family {
  /** What the rows are called. */
  readonly name: string;
  /**
   * The role that a closed family (a map from words to words) is about. Its words are divided
   * between training and test, and a phrasing that names the role needs no input.
   */
  readonly about?: string;
  /** Whether the whole family is kept for the test split. */
  readonly heldOut?: boolean;
  /** What may be shown. */
  readonly inputs: readonly string[];
  /** What may be asked; the last two are kept for the test split. */
  readonly phrasings: readonly string[];
  /** The template of the answer to an input's template. */
  readonly answer: (input: string) => string;
}

const HOLDINGS = [
  "{Hero} has a {color} {thing}. {Friend} has a {color2} {thing2}.",
  "{Friend} has a {color2} {thing2}. {Hero} has a {color} {thing}.",
  "{Hero} has a {color} {thing}, and {friend} has a {color2} {thing2}.",
  "{Friend} has a {color2} {thing2}, and {hero} has a {color} {thing}.",
];

/** All families; those at the end are held out. */
export const FAMILIES: readonly Family[] = [
  {
    name: "opposite",
    about: "word",
    inputs: ["The word is {word}."],
    phrasings: [
      "What is the opposite of {word}?",
      "Say the opposite of this word.",
      "Give the opposite of {word}.",
      "Write the opposite.",
      "Tell me the opposite of {word}.",
      "Which word is the opposite of this one?",
      "Can you say the opposite of {word}?",
      "Find the opposite of this word.",
    ],
    answer: () => "The opposite of {word} is {word.opposite}.",
  },
  {
    name: "plural",
    about: "noun",
    inputs: ["The word is {noun}."],
    phrasings: [
      "What is the plural of {noun}?",
      "Say the plural of this word.",
      "Give the plural of {noun}.",
      "Write the plural.",
      "Tell me the plural of {noun}.",
      "Which word is the plural of this one?",
      "Can you say the plural of {noun}?",
      "Find the plural of this word.",
    ],
    answer: () => "The plural of {noun} is {noun.many}.",
  },
  {
    name: "sound",
    about: "beast",
    inputs: ["a {beast}"],
    phrasings: [
      "What does a {beast} say?",
      "What does the {beast} say?",
      "Which sound does this animal make?",
      "Say the sound of a {beast}.",
      "Write what this animal says.",
      "Tell me what a {beast} says.",
      "How does a {beast} sound?",
      "Give the sound of this animal.",
    ],
    answer: () => "The {beast} says {beast.sound}.",
  },
  {
    name: "kind",
    about: "item",
    inputs: ["a {item}"],
    phrasings: [
      "What is a {item}?",
      "Is it an animal, a fruit, a place, or a toy?",
      "What kind of thing is a {item}?",
      "Say what this is.",
      "Tell me what a {item} is.",
      "What kind of thing is this?",
      "Do you know what a {item} is?",
      "Write what kind of thing this is.",
    ],
    answer: () => "A {item} is a {item.kind}.",
  },
  {
    name: "color",
    inputs: HOLDINGS,
    phrasings: [
      "What color is the {thing}?",
      "Name the color of the {thing}.",
      "Tell me the color of the {thing}.",
      "Which color does the {thing} have?",
      "Say what color the {thing} is.",
      "What is the color of the {thing}?",
      "The {thing} has which color?",
      "Find the color of the {thing}.",
    ],
    answer: () => "The {thing} is {color}.",
  },
  {
    name: "owner",
    inputs: HOLDINGS,
    phrasings: [
      "Who has the {thing}?",
      "Name the child with the {thing}.",
      "Who is the one with the {thing}?",
      "Tell me who has the {thing}.",
      "Say who has the {color} {thing}.",
      "Who has a {color} {thing}?",
      "Which child has the {thing}?",
      "Find out who has the {thing}.",
    ],
    answer: () => "{Hero} has the {thing}.",
  },
  {
    name: "place",
    inputs: [
      "{Hero} went to the {place}. {Friend} went to the {place2}.",
      "{Friend} went to the {place2}. {Hero} went to the {place}.",
      "{Hero} went to the {place}, and {friend} went to the {place2}.",
      "{Friend} stayed home. {Hero} went to the {place} with {his} {parent}.",
    ],
    phrasings: [
      "Where did {hero} go?",
      "Tell me where {hero} went.",
      "Name the place where {hero} went.",
      "Which place did {hero} go to?",
      "Say where {hero} went.",
      "To which place did {hero} go?",
      "Where is {hero} now?",
      "Find out where {hero} went.",
    ],
    answer: () => "{Hero} went to the {place}.",
  },
  {
    name: "count",
    inputs: [
      "{Hero} has {number} {fruit.many} and {number2} {fruit2.many}.",
      "{Hero} has {number2} {fruit2.many} and {number} {fruit.many}.",
      "{Hero} has {number} {fruit.many}. {Friend} has {number2} {fruit2.many}.",
      "{Friend} has {number2} {fruit2.many}. {Hero} has {number} {fruit.many}.",
    ],
    phrasings: [
      "How many {fruit.many} does {hero} have?",
      "Count the {fruit.many}.",
      "How many {fruit.many} are there?",
      "Tell me how many {fruit.many} {hero} has.",
      "Say the number of {fruit.many}.",
      "What is the number of {fruit.many}?",
      "Can you count the {fruit.many}?",
      "Find out how many {fruit.many} {hero} has.",
    ],
    answer: () => "{Hero} has {number} {fruit.many}.",
  },
  {
    name: "feeling",
    inputs: [
      "{Hero} is {feeling}. {Friend} is {feeling2}.",
      "{Friend} is {feeling2}. {Hero} is {feeling}.",
      "{Hero} is {feeling} today. {Friend} is {feeling2}.",
      "{Friend} is {feeling2}, but {hero} is {feeling}.",
    ],
    phrasings: [
      "How does {hero} feel?",
      "Tell me how {hero} feels.",
      "Say how {hero} feels.",
      "What does {hero} feel?",
      "How is {hero} today?",
      "Name the feeling of {hero}.",
      "How does {hero} feel now?",
      "Find out how {hero} feels.",
    ],
    answer: () => "{Hero} is {feeling}.",
  },
  {
    name: "animals",
    inputs: [
      "{Hero} saw a {critter} and a {critter2} {outdoors.at}.",
      "{Hero} saw a {critter}, a {thing}, and a {critter2}.",
      "A {critter} and a {critter2} played {outdoors.at}.",
      "{Hero} had a {thing}. A {critter} ran after a {critter2}.",
    ],
    phrasings: [
      "List the animals.",
      "Which animals are in the text?",
      "Name the two animals.",
      "Tell me the animals in the sentence.",
      "What animals do you see?",
      "Say which animals there are.",
      "Find the animals in the text.",
      "Write down the animals.",
    ],
    answer: () => "A {critter} and a {critter2}.",
  },
  {
    name: "past",
    inputs: [
      "{Hero} {verb.third} {outdoors.at}.",
      "{Hero} {verb.third} with {friend}.",
      "The {critter} {verb.third} {outdoors.at}.",
      "{Hero} {verb.third} every day.",
    ],
    phrasings: [
      "Write this in the past.",
      "Say this as if it was yesterday.",
      "Change this to the past.",
      "Tell it in the past.",
      "What happened yesterday?",
      "Put this sentence in the past.",
      "Make this about yesterday.",
      "Rewrite the sentence in the past.",
    ],
    answer: (input) => input.replace(".third}", ".past}"),
  },
  {
    name: "last word",
    inputs: [
      "{Hero} has a {color} {thing}.",
      "{Hero} went to the {place}.",
      "The {critter} is {feeling}.",
      "{Hero} likes {fruit.many}.",
    ],
    phrasings: [
      "What is the last word?",
      "Say the last word.",
      "Repeat the last word.",
      "Write the last word.",
      "Which word is last?",
      "Tell me the last word.",
      "Find the last word.",
      "Give the word at the end.",
    ],
    answer: (input) => `The last word is ${input.split(" ").at(-1)}`,
  },
  {
    name: "object",
    heldOut: true,
    inputs: HOLDINGS,
    phrasings: [
      "What does {hero} have?",
      "Tell me what {hero} has.",
      "Name the thing that {hero} has.",
      "Say what {hero} has.",
      "Which thing does {hero} have?",
      "What is the thing that {hero} has?",
      "What thing has {hero}?",
      "Find out what {hero} has.",
    ],
    answer: () => "{Hero} has a {color} {thing}.",
  },
  {
    name: "home",
    heldOut: true,
    about: "homed",
    inputs: ["a {homed}"],
    phrasings: [
      "Where does a {homed} live?",
      "Tell me where a {homed} lives.",
      "Say where this animal lives.",
      "What is the home of a {homed}?",
      "Where does the {homed} live?",
      "Name the home of this animal.",
      "Where is the home of a {homed}?",
      "Write where this animal lives.",
    ],
    answer: () => "A {homed} lives in a {homed.home}.",
  },
];
