/**
 * A scene keeps what a story has already said (who, what, which colour, how many), so that every
 * later sentence agrees with it.
 *
 * A template names roles in braces. A role is bound at its first mention and stays:
 * - `{toy}`, `{toy2}`: different words of the category `toy`; a capital (`{Toy}`) starts a sentence
 * - `{toy.many}`, `{place.at}`, `{beast.sound}`, `{verb.past}`, ...: a form of the word
 * - `{he}`, `{him}`, `{his}`, `{girl}`, `{sister}`: the hero's; `{friend.he}`: another's
 * - `{n}`, `{n-m}`, `{n+m}`: number words; `{n-m apple}`: "one apple", "two apples"
 * - `[red|blue]`: any one of the phrases
 *
 * @module
 */

import * as facts from "./facts.ts";
import type { Dice } from "./random.ts";
import * as world from "./world.ts";

/** Who may be the hero of a story. */
export type Cast = "child" | "animal";

const NOUNS: Readonly<Record<string, readonly string[]>> = {
  ...world.WORDS,
  kind: ["rabbit", "fox", "squirrel", "mouse", "cat", "dog", "goat", "pig", "bear", "sheep"],
  verb: world.VERBS.map(([base]) => base),
  word: world.OPPOSITES.flat(),
  item: Object.keys(world.KINDS),
  noun: ["fruit", "thing", "toy"].flatMap((kind) => world.WORDS[kind]!),
  number: world.NUMBERS.slice(2, 11),
  age: world.NUMBERS.slice(4, 9),
  grown: Object.keys(facts.YOUNG),
  eater: Object.keys(facts.MEALS),
  hued: Object.keys(facts.HUES),
  earlier: Object.keys(facts.NEXT),
};

/** All words of a category. Throws a RangeError for a category that does not exist. */
export function vocabulary(category: string): readonly string[] {
  const words = NOUNS[category];
  if (!words) throw new RangeError(`Found "${category}", wanted a category of the world`);
  return words;
}

/** Forms that depend on the word alone. */
const FORMS: Readonly<Record<string, (word: string) => string | undefined>> = {
  many: world.plural,
  at: (place) => `${world.PREPOSITIONS[place] ?? "at"} the ${place}`,
  call: (who) => world.capital(bare(who)),
  sound: (animal) => facts.SOUNDS[animal],
  kind: (thing) => world.KINDS[thing],
  home: (animal) => facts.HOMES[animal],
  young: (animal) => facts.YOUNG[animal],
  meal: (animal) => facts.MEALS[animal],
  hue: (thing) => facts.HUES[thing],
  next: (word) => facts.NEXT[word],
  opposite: world.opposite,
  third: (verb) => world.verbOf(verb)?.[1],
  past: (verb) => world.verbOf(verb)?.[2],
};

const bare = (animal: string) => animal.replace(/^the /, "");
const NUMBER = /^(n|m)([+-](?:n|m|1))?$/;

/** The roles bound so far in one story, and the dice that bind new ones. */
export class Scene {
  readonly #roles = new Map<string, string>();
  readonly #female = new Map<string, boolean>();

  /** An empty scene for a child or an animal; `dice` chooses every word. */
  constructor(readonly cast: Cast, readonly dice: Dice) {}

  /** Binds a role to a given word before the story begins. */
  bind(role: string, word: string): void {
    this.#roles.set(role, this.fill(word));
  }

  /** Whether every role that the template names is bound. */
  knows(template: string): boolean {
    return [...template.matchAll(/\{(\w+)/g)].every(([, slot]) => {
      const role = slot!.toLowerCase();
      return role in world.MALE || this.#roles.has(role);
    });
  }

  /** The template in plain English. Throws a RangeError for a role or form that does not exist. */
  fill(template: string): string {
    const chosen = template.replace(
      /\[([^\]]+)\]/g,
      (_, phrases: string) => this.dice.pick(phrases.split("|")),
    );
    const filled = chosen.replace(/\{([^}]+)\}/g, (_, slot: string) => {
      const text = this.#resolve(slot.charAt(0).toLowerCase() + slot.slice(1));
      return /^[A-Z]/.test(slot) ? world.capital(text) : text;
    });
    return world.withArticles(filled);
  }

  #resolve(slot: string): string {
    const [role = "", noun] = slot.split(" ");
    if (NUMBER.test(role)) return this.#count(role, noun);
    if (slot in world.MALE) return this.#form("hero", slot);
    const [base = "", form] = slot.split(".");
    return form ? this.#form(base, form) : this.#word(base);
  }

  #count(sum: string, noun?: string): string {
    const [, left = "", rest] = NUMBER.exec(sum)!;
    let count = this.#number(left);
    if (rest) count += (rest[0] === "-" ? -1 : 1) * this.#number(rest.slice(1));
    const word = world.NUMBERS[count]!;
    if (noun === undefined) return word;
    const singular = this.#category(noun) in NOUNS ? this.#word(noun) : noun;
    return `${word} ${count === 1 ? singular : world.plural(singular)}`;
  }

  /** `n` is 3 to 6, and `m` at least 2 and below `n`, so that sums and differences have words. */
  #number(role: string): number {
    if (role === "1") return 1;
    const most = role === "n" ? 6 : this.#number("n") - 1;
    if (!this.#roles.has(role)) {
      this.#roles.set(role, String(this.dice.between(role === "n" ? 3 : 2, most)));
    }
    return Number(this.#roles.get(role));
  }

  #category(role: string): string {
    return role.replace(/\d$/, "");
  }

  #word(role: string): string {
    const known = this.#roles.get(role);
    if (known !== undefined) return known;
    const taken = new Set([...this.#roles.values()].map(bare));
    const free = this.#options(this.#category(role)).filter((word) => !taken.has(bare(word)));
    const word = this.dice.pick(free);
    this.#roles.set(role, word);
    return word;
  }

  #options(category: string): readonly string[] {
    if (category === "hero") return this.cast === "child" ? world.CHILDREN : world.ANIMAL_NAMES;
    if (category === "friend") {
      return this.cast === "child"
        ? world.CHILDREN
        : world.WORDS.critter!.map((kind) => `the ${kind}`);
    }
    return vocabulary(category);
  }

  #form(role: string, form: string): string {
    const word = this.#word(role);
    const text = FORMS[form]?.(word) ?? this.#pronouns(role, word)[form];
    if (text === undefined) {
      throw new RangeError(`Found "${form}", wanted a form of "${word}"`);
    }
    return text;
  }

  #pronouns(role: string, word: string): Record<string, string> {
    let female = world.isPerson(word) ? world.isFemale(word) : this.#female.get(role);
    female ??= this.dice.chance(0.5);
    this.#female.set(role, female);
    return female ? world.FEMALE : world.MALE;
  }
}
