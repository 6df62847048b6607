/** When a failed delivery is tried again: the schedule of Standard Webhooks. */

const MINUTE = 60;
const HOUR = 3_600;

/** Seconds before the first attempt, the second one, and so on. */
export const SCHEDULE_SECONDS: readonly number[] = [
  0,
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

/** The longest that a receiver may put us off. */
export const MAX_RETRY_AFTER_SECONDS = 24 * HOUR;
/** Up to so much of the delay is added, so that what failed together doesn't come back together. */
const JITTER = 0.1;

export interface Failed {
  /** Failures in a row, this one included. */
  readonly failures: number;
  /** The receiver's `retry-after`: seconds, or a date. */
  readonly retryAfter: string | undefined;
  readonly at: Date;
  /** A number in [0, 1). */
  readonly random: number;
}

/** Seconds until the next attempt; undefined: there is none. */
export function delayAfter({ failures, retryAfter, at, random }: Failed): number | undefined {
  const planned = SCHEDULE_SECONDS[failures];
  if (planned === undefined) return undefined;
  const asked = Math.min(secondsOf(retryAfter, at), MAX_RETRY_AFTER_SECONDS);
  return Math.ceil(Math.max(planned, asked) * (1 + JITTER * random));
}

/** RFC 9110, 10.2.3; what is neither form is no wish. */
function secondsOf(retryAfter: string | undefined, at: Date): number {
  const text = retryAfter?.trim() ?? "";
  if (/^\d{1,9}$/.test(text)) return Number(text);
  const date = /^[A-Za-z]{3,9},? /.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(date) ? 0 : Math.max(0, (date - at.getTime()) / 1000);
}
