/** Rows of the tables of accounts and keys, read into their types. */

import type { Account, ApiKey, KeyScope } from "./account-types.ts";
import { type LimitColumns, limitsOf } from "./key-limits.ts";

/** A row of accounts. */
export interface AccountRow {
  readonly id: string;
  readonly name: string;
  readonly unlimited: boolean;
  readonly max_queued: number | null;
  readonly max_running: number | null;
  readonly retention_days: number | null;
  readonly created_at: Date;
}

/** Reads one. */
export function accountOf(row: AccountRow): Account {
  const { id, name, unlimited, max_queued, max_running, retention_days, created_at } = row;
  return {
    id,
    name,
    unlimited,
    maxQueued: max_queued ?? undefined,
    maxRunning: max_running ?? undefined,
    retentionDays: retention_days ?? undefined,
    createdAt: created_at,
  };
}

/** A row of keys, without the hash. */
export interface KeyRow extends LimitColumns {
  readonly id: string;
  readonly account_id: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly KeyScope[];
  readonly created_at: Date;
  readonly last_used_at: Date | null;
  readonly revoked_at: Date | null;
}

/** What a request needs to know of its key. */
export interface FoundKey extends LimitColumns {
  readonly hash: string;
  readonly id: string;
  readonly account_id: string;
  readonly scopes: readonly KeyScope[];
  readonly long_ago: boolean;
}

/** Reads one. */
export function keyOf(row: KeyRow): ApiKey {
  return {
    id: row.id,
    accountId: row.account_id,
    name: row.name,
    prefix: row.prefix,
    ...limitsOf(row),
    scopes: row.scopes,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
  };
}
