/** Numbers as people read them. */

const MINUS = "−";

export function fixed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

export function signed(value: number, digits: number): string {
  return value >= 0 ? `+${fixed(value, digits)}` : fixed(value, digits);
}

/** 2.5×, 2.04× */
export function times(value: number, digits = 2): string {
  return `${Number(value.toFixed(digits))}×`;
}

export function percent(share: number, digits = 0): string {
  return `${fixed(100 * share, digits)} %`;
}

export function bytes(count: number): string {
  if (count === 0) return "0";
  if (count < 1e6) return `${(count / 1e3).toFixed(0)} kB`;
  return count < 1e9 ? `${(count / 1e6).toFixed(1)} MB` : `${(count / 1e9).toFixed(2)} GB`;
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
