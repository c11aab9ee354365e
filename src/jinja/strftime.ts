/**
 * Python's `strftime` of a day, as glibc has it in the C locale.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = [
  ...["January", "February", "March", "April", "May", "June", "July"],
  ...["August", "September", "October", "November", "December"],
];
const DAY_MS = 86_400_000;
const DIRECTIVE = /%([-_0^#]?)([aAbBcCdDeFgGhHIjklmMnpPrRsStTuUVwWxXyYzZf%])/g;

/** Directives that stand for several others. */
const COMPOSED: Readonly<Record<string, string>> = {
  c: "%a %b %e %H:%M:%S %Y",
  D: "%m/%d/%y",
  F: "%Y-%m-%d",
  r: "%I:%M:%S %p",
  R: "%H:%M",
  T: "%H:%M:%S",
  x: "%m/%d/%y",
  X: "%H:%M:%S",
};

/** Today, as `YYYY-MM-DD`. */
export function today(now: Date = new Date()): string {
  const digits = (value: number) => String(value).padStart(2, "0");
  return `${now.getFullYear()}-${digits(now.getMonth() + 1)}-${digits(now.getDate())}`;
}

/**
 * A day as it was typed.
 *
 * @throws {ConfigError} where it is none.
 */
export function dayOf(text: string): string {
  const date = new Date(`${text}T00:00:00Z`);
  const isDay = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(`${text}T`);
  if (isDay) return text;
  throw new ConfigError(`Found date ${JSON.stringify(text)}, wanted a day such as 2026-11-29`);
}

/**
 * The start of a day under a format.
 *
 * @param day as `YYYY-MM-DD`.
 */
export function strftime(format: string, day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  return format.replace(DIRECTIVE, (_, flag: string, directive: string) => {
    const composed = COMPOSED[directive];
    if (composed !== undefined) return strftime(composed, day);
    const [value, width = 0, fill = "0"] = part(directive, date);
    const filled = flag === "-" ? value : value.padStart(width, flag === "_" ? " " : fill);
    return flag === "^" ? filled.toUpperCase() : filled;
  });
}

/** What a directive stands for, the width that it has and what fills it. */
function part(directive: string, date: Date): [value: string, width?: number, fill?: string] {
  const year = date.getUTCFullYear();
  const [weekday, month] = [date.getUTCDay(), date.getUTCMonth()];
  const dayOfYear = Math.round((date.getTime() - Date.UTC(year, 0, 1)) / DAY_MS);
  const iso = isoWeek(date);
  switch (directive) {
    case "a":
      return [DAYS[weekday]!.slice(0, 3)];
    case "A":
      return [DAYS[weekday]!];
    case "b":
    case "h":
      return [MONTHS[month]!.slice(0, 3)];
    case "B":
      return [MONTHS[month]!];
    case "C":
      return [String(Math.floor(year / 100)), 2];
    case "d":
      return [String(date.getUTCDate()), 2];
    case "e":
      return [String(date.getUTCDate()), 2, " "];
    case "g":
      return [String(iso.year % 100), 2];
    case "G":
      return [String(iso.year)];
    case "I":
      return ["12", 2];
    case "l":
      return ["12", 2, " "];
    case "k":
      return ["0", 2, " "];
    case "j":
      return [String(dayOfYear + 1), 3];
    case "m":
      return [String(month + 1), 2];
    case "n":
      return ["\n"];
    case "t":
      return ["\t"];
    case "p":
      return ["AM"];
    case "P":
      return ["am"];
    case "s":
      return [String(date.getTime() / 1000)];
    case "u":
      return [String(weekday === 0 ? 7 : weekday)];
    case "U":
      return [String(Math.floor((dayOfYear + 7 - weekday) / 7)), 2];
    case "V":
      return [String(iso.week), 2];
    case "w":
      return [String(weekday)];
    case "W":
      return [String(Math.floor((dayOfYear + 7 - (weekday + 6) % 7) / 7)), 2];
    case "y":
      return [String(year % 100), 2];
    case "Y":
      return [String(year)];
    case "f":
      return ["0", 6];
    case "z":
    case "Z":
      return [""];
    case "%":
      return ["%"];
    default: // H, M and S: the day begins
      return ["0", 2];
  }
}

/** The week whose Thursday the year has. */
function isoWeek(date: Date): { readonly year: number; readonly week: number } {
  const thursday = new Date(date.getTime() + (3 - (date.getUTCDay() + 6) % 7) * DAY_MS);
  const year = thursday.getUTCFullYear();
  const days = (thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS;
  return { year, week: Math.floor(days / 7) + 1 };
}
