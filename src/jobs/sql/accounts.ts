/** The statements of accounts and keys. */

const ACCOUNT = `
select id, name, unlimited, max_queued, max_running, retention_days, created_at from mixcache.accounts`;

/** $1 id, $2 name, $3 unlimited, $4 max queued or null, $5 max running or null, $6 days of retention or null, $7 time. */
export const INSERT_ACCOUNT = `
insert into mixcache.accounts (id, name, unlimited, max_queued, max_running, retention_days, created_at)
values ($1, $2, $3, $4, $5, $6, $7::timestamptz)`;

/** $1 account, $2 days or null. */
export const SET_RETENTION = `update mixcache.accounts set retention_days = $2 where id = $1 returning id`;

/** $1 id. */
export const GET_ACCOUNT = `${ACCOUNT} where id = $1`;

/** $1 after this id or null, $2 how many. */
export const LIST_ACCOUNTS = `${ACCOUNT} where $1::text is null or id > $1 order by id limit $2`;

/** One account may be made without asking twice: the first start of two processes at once. */
export const LOCK_FIRST = `lock table mixcache.accounts in share row exclusive mode`;

const KEY = `id, account_id, name, prefix, scopes, created_at, last_used_at, revoked_at, requests_per_minute,
  spend_cap::text as spend_cap, spend_period`;

/** $1 id, $2 account, $3 name, $4 hash, $5 prefix, $6 scopes as JSON, $7 time, $8 requests a minute, $9 spend cap, $10 its period. */
export const INSERT_KEY = `
insert into mixcache.api_keys (id, account_id, name, hash, prefix, scopes, created_at, requests_per_minute, spend_cap,
  spend_period)
select $1, $2, $3, $4, $5, array(select jsonb_array_elements_text($6::jsonb)), $7::timestamptz, $8::integer, $9::bigint,
  $10
returning ${KEY}`;

/** $1 account, $2 key: locked, to be changed. */
export const LOCK_KEY = `select ${KEY} from mixcache.api_keys where account_id = $1 and id = $2 for update`;

/** $1 key, $2 name, $3 requests a minute, $4 spend cap, $5 its period. */
export const CHANGE_KEY = `
update mixcache.api_keys set name = $2, requests_per_minute = $3::integer, spend_cap = $4::bigint, spend_period = $5
where id = $1
returning ${KEY}`;

/** $1 account, $2 after this id or null, $3 how many. */
export const LIST_KEYS = `
select ${KEY} from mixcache.api_keys
where account_id = $1 and ($2::text is null or id > $2) order by id limit $3`;

/** $1 account, $2 key, $3 time. Revoked is revoked: the first time stays. */
export const REVOKE_KEY = `
update mixcache.api_keys set revoked_at = coalesce(revoked_at, $3::timestamptz)
where account_id = $1 and id = $2
returning ${KEY}`;

/** $1 hashes, $2 used before this moment counts as long ago. */
export const FIND_KEYS = `
select hash, id, account_id, scopes, requests_per_minute, spend_cap::text as spend_cap, spend_period,
  (last_used_at is null or last_used_at <= $2::timestamptz) as long_ago
from mixcache.api_keys where hash = any($1::text[]) and revoked_at is null`;

/** $1 hash. */
export const KNOWN_KEY = `select from mixcache.api_keys where hash = $1 and revoked_at is null`;

/** $1 key, $2 now, $3 only where it was last used before this moment. */
export const TOUCH_KEY = `
update mixcache.api_keys set last_used_at = $2::timestamptz
where id = $1 and (last_used_at is null or last_used_at <= $3::timestamptz)`;

/** Null where there is none. */
export const ACCOUNTS_TABLE = "select to_regclass('mixcache.accounts')::text as name";

export const ANY_ACCOUNT = "select 1 from mixcache.accounts limit 1";
