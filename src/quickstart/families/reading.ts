/**
 * Families that ask for what a short text has just said.
 *
 * @module
 */
import type { Family } from "../families.ts";

const OWNS = "{Hero} has a {color} {thing}";
const GOES = "{Hero} went to the {place}";
const COUNTS = "{Hero} has {number} {fruit.many}";
const FEELS = "{Hero} is {feeling}";

const ASIDES: readonly string[] = [
  "It was a windy day",
  "The birds sang",
  "The sun was bright",
  "It was late in the day",
  "{He} likes to {hobby}",
  "{His} {parent} is there too",
];

/** A sentence alone, and with one that says nothing of its kind. */
const among = (sentence: string): readonly string[] => [
  `${sentence}.`,
  ...ASIDES.map((aside) => `${sentence}. ${aside}.`),
  ...ASIDES.slice(0, 4).map((aside) => `${aside}. ${sentence}.`),
];

/** Families about texts. */
export const READING: readonly Family[] = [
  {
    name: "color",
    inputs: among(OWNS),
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
    answer: "The {thing} is {color}.",
  },
  {
    name: "place",
    inputs: among(GOES),
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
    answer: "{Hero} went to the {place}.",
  },
  {
    name: "count",
    lessonsOnly: true,
    inputs: among(COUNTS),
    phrasings: [
      "How many {fruit.many} does {hero} have?",
      "Count the {fruit.many} of {hero}.",
      "How many {fruit.many} are there for {hero}?",
      "Tell me how many {fruit.many} {hero} has.",
      "Say the number of {fruit.many} that {hero} has.",
      "What is the number of {fruit.many} that {hero} has?",
      "Can you count the {fruit.many} of {hero}?",
      "Find out how many {fruit.many} {hero} has.",
    ],
    answer: "{Hero} has {number} {fruit.many}.",
  },
  {
    name: "feeling",
    inputs: among(FEELS),
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
    answer: "{Hero} is {feeling}.",
  },
  {
    name: "object",
    lessonsOnly: true,
    heldOut: true,
    inputs: among(OWNS),
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
    answer: "{Hero} has a {color} {thing}.",
  },
];
