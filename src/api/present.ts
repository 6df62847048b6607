/** How values are written in answers. */

import type { Micros } from "../jobs/index.ts";

/** OpenAI's way of telling the time. */
export function unixSeconds(date: Date): number {
  return Math.floor(date.getTime() / 1000);
}

/** What isn't there is null in JSON. */
export function orNull<From, To>(value: From | undefined, present: (value: From) => To): To | null {
  return value === undefined ? null : present(value);
}

/** A page of a list. @param found the page and one more, where there is one */
export function pageOf<Row, Shown>(found: readonly Row[], limit: number, present: (row: Row) => Shown) {
  const data = found.slice(0, limit).map((row) => present(row));
  return { object: "list", data, has_more: found.length > limit } as const;
}

/** Millionths as a decimal number with six places. */
export function decimal(micros: Micros): string {
  return scaled(micros, 6);
}

/** Thousandths as a decimal number with three places. */
export function thousandths(count: bigint): string {
  return scaled(count, 3);
}

/** A whole number of parts, of which a power of ten are one, as a decimal number. */
export function scaled(parts: bigint, places: number): string {
  const digits = (parts < 0n ? -parts : parts).toString().padStart(places + 1, "0");
  return `${parts < 0n ? "-" : ""}${digits.slice(0, -places)}.${digits.slice(-places)}`;
}

/** The millionths of a decimal number with at most six places. */
export function microsOf(text: string): Micros {
  const [whole = "0", part = ""] = text.replace("-", "").split(".");
  const size = BigInt(whole) * 1_000_000n + BigInt(part.padEnd(6, "0"));
  return text.startsWith("-") ? -size : size;
}

/** A price in millionths, which may itself have decimals, in units of the currency. */
export function unitPrice(micros: string): string {
  const [whole = "0", part = ""] = micros.split(".");
  return decimal(BigInt(whole)) + part.replace(/0+$/, "");
}
