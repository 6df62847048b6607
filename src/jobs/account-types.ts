/** What is said of accounts and their keys. */

import type { Balance, Entry } from "./ledger.ts";
import type { Micros } from "./money-contract.ts";
import type { SpendCap } from "./video-contract.ts";

/** What an account's key may be allowed. */
export const KEY_SCOPES = [
  "videos:read",
  "videos:write",
  "usage:read",
  "keys:manage",
  "webhooks:manage",
] as const;
export type KeyScope = (typeof KEY_SCOPES)[number];
/** `operator` is the operator's key alone: it has no account, and none of the other scopes. */
export type Scope = KeyScope | "operator";

/** Who is asking. */
export interface Principal {
  /** Undefined for the operator. */
  readonly accountId: string | undefined;
  /** `operator` for the operator. */
  readonly keyId: string;
  readonly scopes: readonly Scope[];
  /** Of its key. */
  readonly limits: KeyLimits;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  /** Needs no credit. */
  readonly unlimited: boolean;
  /** How many of its videos may wait, and run; undefined: no limit. */
  readonly maxQueued: number | undefined;
  readonly maxRunning: number | undefined;
  /** Days that its videos' files are kept; 0: for ever; undefined: as long as the server says. */
  readonly retentionDays: number | undefined;
  readonly createdAt: Date;
}

/** A key as it is shown; its text is not kept. */
export interface ApiKey extends KeyLimits {
  readonly id: string;
  readonly accountId: string;
  readonly name: string;
  readonly prefix: string;
  readonly scopes: readonly KeyScope[];
  readonly createdAt: Date;
  /** To the minute. */
  readonly lastUsedAt: Date | undefined;
  readonly revokedAt: Date | undefined;
}

/** A page in the order of making: those after an id. */
export interface PageWish {
  readonly after?: string;
  readonly limit: number;
}

/** What a new account may be told. */
export interface NewAccount {
  readonly name: string;
  readonly unlimited?: boolean;
  /** `null`: no limit. Left out: the server's default. */
  readonly maxQueued?: number | null;
  readonly maxRunning?: number | null;
  /** 0: for ever. `null` or left out: as long as the server says. */
  readonly retentionDays?: number | null;
}

/** What a new key may be told. */
export interface NewKeyWish extends Partial<KeyLimits> {
  readonly accountId: string;
  readonly name: string;
  readonly scopes?: readonly KeyScope[];
}

/** What is to change of a key; `null` takes a limit away. */
export interface KeyChange {
  readonly name?: string;
  readonly requestsPerMinute?: number | null;
  readonly spendCap?: SpendCap | null;
}

/** Every method is one transaction or one statement, except where it takes `tx`. */
export interface Accounts {
  create(wish: NewAccount): Promise<Account>;
  /** @throws MixcacheError `account_not_found` */
  get(accountId: string): Promise<Account>;
  list(page: PageWish): Promise<Account[]>;
  /**
   * How long files of videos that end from now on are kept; see `NewAccount`.
   * @throws MixcacheError `account_not_found`, `invalid_argument`
   */
  setRetention(accountId: string, days: number | null): Promise<void>;
  /** @throws MixcacheError `account_not_found` */
  balance(accountId: string): Promise<Balance>;
  /** The youngest entries first. */
  entries(accountId: string, wish: { before?: string; limit: number }): Promise<Entry[]>;
  /**
   * Gives credit, or takes it back where the amount is below zero.
   * @returns what the books hold then
   * @throws MixcacheError `account_not_found`, `credit_exists` for a reference that came before, `credit_insufficient`
   */
  credit(wish: { accountId: string; amount: Micros; reference: string }): Promise<Balance>;
  /** @returns the key, and its text, which nobody can see again. @throws MixcacheError `account_not_found` */
  createKey(wish: NewKeyWish): Promise<{ key: ApiKey; secret: string }>;
  /** Changes what is named, from the next request on. @throws MixcacheError `key_not_found`, also for another account's */
  changeKey(accountId: string, keyId: string, change: KeyChange): Promise<ApiKey>;
  listKeys(accountId: string, page: PageWish): Promise<ApiKey[]>;
  /** From the next request on it is refused. @throws MixcacheError `key_not_found`, also for another account's */
  revokeKey(accountId: string, keyId: string): Promise<ApiKey>;
  /** Undefined for what is no key, unknown or revoked. */
  authenticate(secret: string): Promise<Principal | undefined>;
  /** Whether a key is good, by the SHA-256 of its text in hex. The operator's is none of an account's. */
  knowsKey(hash: string): Promise<boolean>;
  /** Whether it is the operator's key. Asks no database. */
  isOperator(secret: string): boolean;
  /** Counts a request of a key that may send so many a minute. */
  countRequest(keyId: string, requestsPerMinute: number): Promise<RateState>;
  /**
   * The account of the first start, with unlimited credit, and a key for it.
   * @returns the key's text; undefined where there are accounts already
   */
  first(): Promise<string | undefined>;
}

/** What a key may; undefined: no limit. */
export interface KeyLimits {
  /** So many at once, and as many again within a minute. */
  readonly requestsPerMinute?: number;
  readonly spendCap?: SpendCap;
}

/** Where a key stands after one more request. */
export interface RateState {
  readonly allowed: boolean;
  readonly limit: number;
  /** How many more may come now. */
  readonly remaining: number;
  /** Until all of them may come again. */
  readonly resetSeconds: number;
  /** Until one may come; 0 where one may now. */
  readonly retryAfterSeconds: number;
}
