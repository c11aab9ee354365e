/**
 * Numbers in digits, as Python rounds them.
 *
 * @module
 */

/** Decimals that `toFixed` knows. */
const MOST_DECIMALS = 100;

/** A float with so many decimals; halves go to the even digit. */
export function fixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
  if (decimals > MOST_DECIMALS) throw new RangeError(`more than ${MOST_DECIMALS} decimals`);
  const size = Math.abs(value);
  const sign = value < 0 || Object.is(value, -0) ? "-" : "";
  if (size >= 1e21) {
    return `${sign}${BigInt(size)}${decimals > 0 ? `.${"0".repeat(decimals)}` : ""}`;
  }
  const exact = size.toFixed(MOST_DECIMALS);
  const cut = exact.slice(0, exact.length - MOST_DECIMALS + decimals);
  const isHalf = /^50*$/.test(exact.slice(exact.length - MOST_DECIMALS + decimals));
  const isEven = "02468".includes(cut.at(-1) === "." ? cut.at(-2)! : cut.at(-1)!);
  if (isHalf && isEven) return sign + cut.replace(/\.$/, "");
  return sign + size.toFixed(decimals);
}

/** Digits and exponent: `1.50e+07`. */
export function exponential(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return fixed(value, 0);
  const [digits, power] = value.toExponential(Math.min(decimals, MOST_DECIMALS)).split("e");
  return `${digits}e${power![0]}${power!.slice(1).padStart(2, "0")}`;
}

/** The shorter of both with so many digits, without zeros at its end unless they are kept. */
export function general(value: number, precision: number, keepZeros = false): string {
  if (!Number.isFinite(value)) return fixed(value, 0);
  const digits = precision === 0 ? 1 : precision;
  const text = exponential(value, digits - 1);
  const power = Number(text.split("e")[1]);
  const isPlain = power >= -4 && power < digits;
  const whole = isPlain ? fixed(value, digits - 1 - power) : text;
  if (keepZeros || !whole.includes(".")) return whole;
  return whole.replace(/\.?0+(?=e|$)/, "");
}

/** Python's `round(value, decimals)` of a float. */
export function roundFloat(value: number, decimals: number): number {
  if (!Number.isFinite(value)) return value;
  if (decimals >= 0) return Number(fixed(value, Math.min(decimals, MOST_DECIMALS)));
  const unit = 10 ** -decimals;
  return Number(fixed(value / unit, 0)) * unit;
}

/** Digits in groups. */
export function grouped(digits: string, separator: string, size = 3): string {
  const [whole = "", ...rest] = digits.split(/(?=[.e])/);
  const groups = whole.replace(new RegExp(`\\B(?=(?:[\\da-fA-F]{${size}})+$)`, "g"), separator);
  return groups + rest.join("");
}
