/**
 * The commands of a document and the lines that it shows of what they print.
 *
 * @module
 */

/** What a line of code begins with that is for a shell. */
const SHELL =
  /^(?:deno|\.\/run|mpirun|srun|curl|apt-get|npm|npx|pip|python3?|git|ollama|llama-\S+|docker)\s/;

/** The command lines of a document, without their comments; what goes on in the next line is joined. */
export function commandsOf(text: string): string[] {
  const joined = text.replace(/\\\n\s*/g, "")
    .replace(/^( {4}curl [^'\n]*'[^'\n]*)\n\s*([^'\n]*')$/gm, "$1 $2");
  const code = joined.split("\n").filter((line) => /^ {4}\S/.test(line)).map((line) => line.trim());
  return code.filter((line) => SHELL.test(line))
    .map((line) => line.replace(/\s+#.*$/, "").replace(/\[(--[^\]]*)\]/g, "$1"))
    .map((line) => line.replace(/\s\.\.\.$/, "").trim());
}

const NUMBER = /[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?/g;
const words = (line: string): string => line.replace(NUMBER, "0").replace(/\s+/g, " ").trim();

/** Whether a line of a document is one that was printed: the same words, numbers within a share. */
export function isShown(shown: string, printed: string, share: number): boolean {
  const numbers = (line: string) => (line.match(NUMBER) ?? []).map(Number);
  const begin = shown.split("...")[0]!;
  return printed.split(/[\n\r]+/).some((line) => {
    if (!words(line).startsWith(words(begin).replace(/[\s0]+$/, ""))) return false;
    const found = numbers(line);
    return numbers(begin).every((n, i) => Math.abs(n - found[i]!) <= share * Math.abs(n) + 1e-9);
  });
}

/** Whether the words of a line were printed, whatever its numbers. */
export const hasWords = (shown: string, printed: string): boolean =>
  printed.split(/[\n\r]+/).some((line) => words(line).includes(words(shown.split("...")[0]!)));

/** The lines that README shows of the quickstart, sentences over several lines as one. */
export function quickstartLines(readme: string): string[] {
  const block = readme.match(/follow instructions:\n\n((?: {4}.*\n)+)/)?.[1];
  if (!block) throw new Error("README.md shows nothing of the quickstart");
  return block.replace(/\n {4}(?=has touched)/, " ").split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
}
