/**
 * Splits documents at random into named parts that share no text.
 *
 * @module
 */

import { ConfigError } from "../../errors.ts";
import type { Shares } from "../entry.ts";
import type { Document } from "../example.ts";
import { hash } from "../../random.ts";

/**
 * Splits documents by their texts. Which part a text falls into depends on the seed and the set of
 * texts, not on their order; texts that differ in white space only fall into the same part.
 *
 * @returns the indices of each part's documents, ascending.
 * @throws {ConfigError} if the shares are not positive or do not add up to 1.
 */
export function split(
  texts: readonly string[],
  shares: Shares,
  seed: number,
): Record<string, number[]> {
  checkShares(shares);
  const bounds = upperBounds(shares, texts.length);
  const parts: Record<string, number[]> = {};
  for (const { name } of bounds) parts[name] = [];
  let placed = 0;
  for (const group of groupsInRandomOrder(texts, seed)) {
    const { name } = bounds.find(({ bound }) => placed < bound) ?? bounds.at(-1)!;
    parts[name]!.push(...group);
    placed += group.length;
  }
  for (const part of Object.values(parts)) part.sort((a, b) => a - b);
  return parts;
}

/** The text by which documents count as the same. */
export function documentText(document: Document): string {
  if (document.kind === "tokens") return document.ids.join(" ");
  if (document.kind === "chat") return document.messages.map(({ content }) => content).join("\n");
  if (document.kind === "preference") {
    return document.answers.map(documentText).join("\n");
  }
  return document.spans.map(({ text }) => text).join("\n");
}

/** How many documents are placed when each part is full. */
function upperBounds(shares: Shares, count: number): { name: string; bound: number }[] {
  let sum = 0;
  return Object.entries(shares).map(([name, share]) => {
    sum += share;
    return { name, bound: Math.round(sum * count) };
  });
}

function groupsInRandomOrder(texts: readonly string[], seed: number): number[][] {
  const groups = new Map<string, number[]>();
  texts.forEach((text, i) => {
    const key = text.trim().replace(/\s+/g, " ");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [i]);
    else group.push(i);
  });
  return Array.from(groups, ([key, group]) => ({ key, group, rank: hashText(seed, key) }))
    .sort((a, b) => a.rank - b.rank || (a.key < b.key ? -1 : 1))
    .map(({ group }) => group);
}

function hashText(seed: number, text: string): number {
  return hash(seed, Uint16Array.from({ length: text.length }, (_, i) => text.charCodeAt(i)));
}

function checkShares(shares: Shares): void {
  const values = Object.values(shares);
  const sum = values.reduce((total, share) => total + share, 0);
  if (values.every((share) => share > 0) && Math.abs(sum - 1) < 1e-6) return;
  const found = JSON.stringify(shares);
  throw new ConfigError(`Found the shares ${found}, wanted positive numbers that add up to 1`);
}
