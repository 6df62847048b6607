/** Limits of a key: requests a minute, counted in the database so that all processes count together; a spend cap. */

import { invalid, MixcacheError } from "../errors.ts";
import type { KeyChange, KeyLimits, RateState } from "./account-types.ts";
import type { Sql } from "./database-contract.ts";
import { COUNT_REQUEST, REQUESTS_LEFT } from "./sql/limits.ts";
import { brokenConstraint } from "./sql-state.ts";
import type { SpendCap } from "./video-contract.ts";

/** The columns that say it. */
export interface LimitColumns {
  readonly requests_per_minute: number | null;
  readonly spend_cap: string | null;
  readonly spend_period: SpendCap["period"] | null;
}

/** Reads them. */
export function limitsOf({ requests_per_minute, spend_cap, spend_period }: LimitColumns): KeyLimits {
  return {
    ...(requests_per_minute !== null && { requestsPerMinute: requests_per_minute }),
    ...(spend_cap !== null &&
      spend_period !== null && { spendCap: { amount: BigInt(spend_cap), period: spend_period } }),
  };
}

/** The values of those columns. @throws MixcacheError `invalid_argument` */
export function limitValues({ requestsPerMinute, spendCap }: KeyLimits): (string | number | null)[] {
  const fits =
    requestsPerMinute === undefined ||
    (Number.isInteger(requestsPerMinute) && requestsPerMinute >= 1 && requestsPerMinute <= MOST_A_MINUTE);
  if (!fits)
    invalid(
      "requests_per_minute",
      `requests_per_minute is ${requestsPerMinute}; it must be a whole number from 1 to ${MOST_A_MINUTE}, or null for no limit.`,
    );
  if (spendCap && spendCap.amount < 0n)
    invalid("spend_cap", "spend_cap is below zero; it must be an amount, or null for none.");
  return [requestsPerMinute ?? null, spendCap ? spendCap.amount.toString() : null, spendCap?.period ?? null];
}

/** Limits with what a caller wants to be different. */
export function changedLimits(limits: KeyLimits, change: KeyChange): KeyLimits {
  const { requestsPerMinute = limits.requestsPerMinute, spendCap = limits.spendCap } = change;
  return {
    ...(typeof requestsPerMinute === "number" && { requestsPerMinute }),
    ...(spendCap && { spendCap }),
  };
}

/** The most that can be told apart in microseconds. */
export const MOST_A_MINUTE = 1_000_000;
const MINUTE_MICROSECONDS = 60_000_000;

/**
 * Counts a request by the generic cell rate algorithm: a key may send all of a minute's requests at once, and gets
 * them back one by one. One statement, which also decides: two processes never allow the same one.
 */
export async function countRequest(
  sql: Sql,
  { keyId, requestsPerMinute, at }: { keyId: string; requestsPerMinute: number; at: Date },
): Promise<RateState> {
  const each = Math.floor(MINUTE_MICROSECONDS / requestsPerMinute);
  const all = each * requestsPerMinute;
  const [counted] = await count(sql, [keyId, at, each, all]);
  const [row] = counted ? [counted] : await sql.query<{ seconds: number }>(REQUESTS_LEFT, [keyId, at]);
  const ahead = Math.max(0, (row?.seconds ?? 0) * 1_000_000);
  const wait = counted ? 0 : ahead + each - all;
  return {
    allowed: counted !== undefined,
    limit: requestsPerMinute,
    remaining: Math.max(0, Math.floor((all - ahead + 0.5) / each)),
    resetSeconds: Math.ceil(ahead / 1_000_000),
    retryAfterSeconds: Math.max(0, Math.ceil(wait / 1_000_000)),
  };
}

async function count(sql: Sql, values: readonly unknown[]): Promise<{ seconds: number }[]> {
  try {
    return await sql.query<{ seconds: number }>(COUNT_REQUEST, values);
  } catch (error) {
    if (brokenConstraint(error) !== "key_rates_key_id_fkey") throw error;
    throw new MixcacheError("invalid_api_key", "This API key was deleted just now.");
  }
}
