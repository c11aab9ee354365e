/**
 * Families that ask for what is always so in the small world. The base learns it from stories; the
 * words of a family are divided between training and test.
 *
 * @module
 */
import type { Family } from "../families.ts";

const THE_WORD = "The word is {word}.";

/** Families about facts. */
export const FACTS: readonly Family[] = [
  {
    name: "opposite",
    about: "word",
    inputs: [THE_WORD],
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
    answer: "The opposite of {word} is {word.opposite}.",
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
    answer: "The plural of {noun} is {noun.many}.",
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
    answer: "The {beast} says {beast.sound}.",
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
    answer: "A {item} is a {item.kind}.",
  },
  {
    name: "young",
    about: "grown",
    inputs: ["a {grown}"],
    phrasings: [
      "What is a young {grown} called?",
      "What is the baby of a {grown}?",
      "Which name do the young of this animal have?",
      "Say what a young {grown} is.",
      "Tell me the name of a young {grown}.",
      "Write what the baby of this animal is called.",
      "What do you call a young {grown}?",
      "Name the baby of this animal.",
    ],
    answer: "A young {grown} is a {grown.young}.",
  },
  {
    name: "eats",
    about: "eater",
    inputs: ["a {eater}"],
    phrasings: [
      "What does a {eater} eat?",
      "What does the {eater} like to eat?",
      "Tell me what a {eater} eats.",
      "What does this animal eat?",
      "Name the food of a {eater}.",
      "Say what this animal eats.",
      "What is the food of a {eater}?",
      "Write what this animal eats.",
    ],
    answer: "A {eater} eats {eater.meal}.",
  },
  {
    name: "hue",
    about: "hued",
    inputs: ["the {hued}"],
    phrasings: [
      "Which color is the {hued}?",
      "Tell me which color the {hued} is.",
      "Which color is this?",
      "Say which color the {hued} is.",
      "Write which color this is.",
      "Do you know which color the {hued} is?",
      "Can you say which color the {hued} is?",
      "Name the color of this.",
    ],
    answer: "The {hued} is {hued.hue}.",
  },
  {
    name: "next",
    about: "earlier",
    inputs: ["The word is {earlier}."],
    phrasings: [
      "What comes after {earlier}?",
      "What is next after {earlier}?",
      "Say what comes after this word.",
      "Tell me what comes after {earlier}.",
      "Write what is next.",
      "Which word comes after {earlier}?",
      "Can you say what comes after {earlier}?",
      "Find what comes next.",
    ],
    answer: "After {earlier} comes {earlier.next}.",
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
    answer: "A {homed} lives in a {homed.home}.",
  },
];
