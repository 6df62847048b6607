/** Accounts, their keys and their credit: who may do what, and with whose money. */

import { invalid, MixcacheError } from "../errors.ts";
import { cellOfKey } from "../wire/key.ts";
import { type AccountRow, accountOf, type FoundKey, type KeyRow, keyOf } from "./account-rows.ts";
import {
  type Account,
  type Accounts,
  KEY_SCOPES,
  type NewAccount,
  type NewKeyWish,
  type Principal,
} from "./account-types.ts";
import type { Database, Sql } from "./database-contract.ts";
import { Gather } from "./gather.ts";
import type { Ids } from "./ids.ts";
import { changedLimits, countRequest, limitsOf, limitValues } from "./key-limits.ts";
import { keyHash, newKey, sameSecret } from "./keys.ts";
import { balanceOf, credit, entriesOf } from "./ledger.ts";
import * as sql from "./sql/accounts.ts";
import { brokenConstraint } from "./sql-state.ts";

export interface AccountsOptions {
  readonly database: Database;
  readonly ids: Pick<Ids, "account" | "key">;
  /** Where the accounts live: their keys say so. */
  readonly cell: string;
  readonly now: () => Date;
  /** So many random bytes, fit for secrets. */
  readonly randomBytes: (count: number) => Uint8Array;
  /** Limits of accounts that are made without their own; left out: none. */
  readonly maxQueued?: number;
  readonly maxRunning?: number;
  /** The operator's key; without one nobody is the operator. */
  readonly operatorKey?: string;
}

const MAX_NAME_CHARACTERS = 200;
const USED_AGAIN_AFTER_MS = 60_000;
const OPERATOR: Principal = { accountId: undefined, keyId: "operator", scopes: ["operator"], limits: {} };

/** Accounts on a database that has the schema. */
export function openAccounts(options: AccountsOptions): Accounts {
  const { database, now, ids, cell, randomBytes } = options;
  const nowText = () => now().toISOString();
  const isOperator = (secret: string) =>
    options.operatorKey !== undefined && sameSecret(secret, options.operatorKey);

  async function insert(tx: Sql, { name, unlimited = false, ...limits }: NewAccount): Promise<Account> {
    const account: Account = {
      id: ids.account(),
      name: named(name),
      unlimited,
      maxQueued: limit("max_queued", limits.maxQueued, options.maxQueued, 0),
      maxRunning: limit("max_running", limits.maxRunning, options.maxRunning, 1),
      retentionDays: retention(limits.retentionDays),
      createdAt: now(),
    };
    const { id, maxQueued, maxRunning, retentionDays, createdAt } = account;
    const limited = [maxQueued, maxRunning, retentionDays].map((count) => count ?? null);
    const values = [id, account.name, unlimited, ...limited];
    await tx.query(sql.INSERT_ACCOUNT, [...values, createdAt.toISOString()]);
    return account;
  }

  async function insertKey(tx: Sql, { accountId, name, scopes = KEY_SCOPES, ...limits }: NewKeyWish) {
    const { secret, prefix, hash } = newKey(randomBytes, cell);
    const about = [ids.key(), accountId, named(name), hash, prefix, JSON.stringify(scopes), nowText()];
    const values = [...about, ...limitValues(limits)];
    const [row] = await tx.query<KeyRow>(sql.INSERT_KEY, values).catch((error: unknown) => {
      throw brokenConstraint(error) === "api_keys_account_id_fkey" ? noAccount(accountId) : error;
    });
    if (!row) throw new MixcacheError("database_misused", "The key was not stored.");
    return { key: keyOf(row), secret };
  }

  async function get(tx: Sql, accountId: string): Promise<Account> {
    const [row] = await tx.query<AccountRow>(sql.GET_ACCOUNT, [accountId]);
    if (!row) throw noAccount(accountId);
    return accountOf(row);
  }

  const longAgo = () => new Date(now().getTime() - USED_AGAIN_AFTER_MS).toISOString();
  const keysByHash = new Gather<string, FoundKey | undefined>(async (hashes) => {
    const rows = await database.query<FoundKey>(sql.FIND_KEYS, [[...new Set(hashes)], longAgo()]);
    const found = new Map(rows.map((row) => [row.hash, row]));
    return hashes.map((hash) => found.get(hash));
  });

  return {
    create: (wish) => database.transaction((tx) => insert(tx, wish)),
    get: (accountId) => get(database, accountId),
    list: async ({ after, limit: count }) =>
      (await database.query<AccountRow>(sql.LIST_ACCOUNTS, [after ?? null, count])).map(accountOf),
    async setRetention(accountId, days) {
      const [row] = await database.query(sql.SET_RETENTION, [accountId, retention(days) ?? null]);
      if (!row) throw noAccount(accountId);
    },
    balance: (accountId) => balanceOf(database, accountId),
    async entries(accountId, wish) {
      await get(database, accountId);
      return entriesOf(database, accountId, wish);
    },
    credit: (wish) =>
      database.transaction(async (tx) => {
        await credit(tx, { ...wish, at: now() });
        return balanceOf(tx, wish.accountId);
      }),
    createKey: (wish) => database.transaction((tx) => insertKey(tx, wish)),
    changeKey: (accountId, keyId, change) =>
      database.transaction(async (tx) => {
        const [row] = await tx.query<KeyRow>(sql.LOCK_KEY, [accountId, keyId]);
        if (!row) throw noKey(keyId);
        const values = limitValues(changedLimits(limitsOf(row), change));
        const [changed = row] = await tx.query<KeyRow>(sql.CHANGE_KEY, [
          keyId,
          named(change.name ?? row.name),
          ...values,
        ]);
        return keyOf(changed);
      }),
    listKeys: async (accountId, { after, limit: count }) =>
      (await database.query<KeyRow>(sql.LIST_KEYS, [accountId, after ?? null, count])).map(keyOf),
    async revokeKey(accountId, keyId) {
      const [row] = await database.query<KeyRow>(sql.REVOKE_KEY, [accountId, keyId, nowText()]);
      if (!row) throw noKey(keyId);
      return keyOf(row);
    },
    async authenticate(secret) {
      if (isOperator(secret)) return OPERATOR;
      if (cellOfKey(secret) === undefined) return undefined;
      const found = await keysByHash.ask(keyHash(secret));
      if (!found) return undefined;
      if (found.long_ago) await database.query(sql.TOUCH_KEY, [found.id, nowText(), longAgo()]);
      return {
        accountId: found.account_id,
        keyId: found.id,
        scopes: found.scopes,
        limits: limitsOf(found),
      };
    },
    isOperator,
    knowsKey: async (hash) => (await database.query(sql.KNOWN_KEY, [hash])).length > 0,
    countRequest: (keyId, requestsPerMinute) =>
      countRequest(database, { keyId, requestsPerMinute, at: now() }),
    first: () =>
      database.transaction(async (tx) => {
        await tx.query(sql.LOCK_FIRST);
        if ((await tx.query(sql.LIST_ACCOUNTS, [null, 1])).length > 0) return undefined;
        // It is the operator's own: neither credit nor a queue's length is to stop them.
        const wish = { name: "first", unlimited: true, maxQueued: null, maxRunning: null };
        const { id } = await insert(tx, wish);
        return (await insertKey(tx, { accountId: id, name: "made on the first start" })).secret;
      }),
  };
}

function noAccount(accountId: string): MixcacheError {
  return new MixcacheError("account_not_found", `There is no account ${accountId}.`);
}

function noKey(keyId: string): MixcacheError {
  return new MixcacheError("key_not_found", `There is no key ${keyId} in this account.`);
}

function named(name: string): string {
  const trimmed = name.trim();
  if (trimmed === "" || trimmed.length > MAX_NAME_CHARACTERS)
    invalid("name", `name has ${trimmed.length} characters; it must have 1 to ${MAX_NAME_CHARACTERS}.`);
  return trimmed;
}

function limit(
  field: string,
  wish: number | null | undefined,
  otherwise: number | undefined,
  least: number,
): number | undefined {
  const chosen = wish === undefined ? otherwise : (wish ?? undefined);
  const most = 2 ** 31 - 1;
  if (chosen !== undefined && !(Number.isInteger(chosen) && chosen >= least && chosen <= most))
    invalid(
      field,
      `${field} is ${chosen}; it must be a whole number from ${least} to ${most}, or null for none.`,
    );
  return chosen;
}

const MAX_RETENTION_DAYS = 36_500;

function retention(days: number | null | undefined): number | undefined {
  if (days === null || days === undefined) return undefined;
  if (!(Number.isInteger(days) && days >= 0 && days <= MAX_RETENTION_DAYS))
    invalid(
      "retention_days",
      `retention_days is ${days}; it must be a whole number from 0 (for ever) to ${MAX_RETENTION_DAYS}, or null for the server's.`,
    );
  return days;
}
