/** What deletes an account's data. */

/**
 * Whatever is only an account's own, in an order that references allow. A new table of accounts, keys or videos gets a
 * line here; test/contract/erasure.test.ts finds the one that was forgotten. $1 account
 */
export const ERASE: readonly string[] = [
  "delete from mixcache.webhook_deliveries where account_id = $1",
  "delete from mixcache.webhook_endpoints where account_id = $1",
  "delete from mixcache.outbox where account_id = $1",
  "delete from mixcache.idempotency where account_id = $1",
  "delete from mixcache.key_rates where key_id in (select id from mixcache.api_keys where account_id = $1)",
  "delete from mixcache.api_keys where account_id = $1",
  "delete from mixcache.events where video_id in (select id from mixcache.videos where account_id = $1)",
  "delete from mixcache.videos where account_id = $1",
  "delete from mixcache.lines where account_id = $1",
];

/** Nobody creates for it any more: new rows refer to this one. $1 account */
export const LOCK_ACCOUNT = "select unlimited from mixcache.accounts where id = $1 for update";

/** $1 account, $2 how many */
export const LIVE_VIDEOS = `
  select id from mixcache.videos where account_id = $1 and status in ('queued', 'in_progress') order by id limit $2`;

/** All of them, deleted ones too. $1 account, $2 after this id, $3 how many */
export const ALL_VIDEOS =
  "select id from mixcache.videos where account_id = $1 and id > $2 order by id limit $3";

/** $1 account */
export const COUNT_VIDEOS = "select count(*)::integer as videos from mixcache.videos where account_id = $1";

/** Jobs of the account, in whatever state. $1 queue, $2 account */
export const JOBS_OF_ACCOUNT = "select id::text as id from pgboss.job where name = $1 and group_id = $2";

/** Jobs of the account's deliveries, those that are over too. $1 queue, $2 account */
export const DELIVERY_JOBS_OF_ACCOUNT = `
  select j.id::text as id from pgboss.job j, mixcache.webhook_deliveries d
  where j.name = $1 and d.account_id = $2 and d.id = j.data ->> 'delivery_id'`;

/** For the length of the transaction the ledger lets go of names, and of nothing else. */
export const ALLOW_ERASING = "select set_config('mixcache.erasing', 'on', true)";
export const END_ERASING = "select set_config('mixcache.erasing', 'off', true)";

/** An account that nobody has a key of, for the books. $1 id, $2 unlimited, $3 now */
export const INSERT_NOBODY = `
  insert into mixcache.accounts (id, name, unlimited, max_queued, created_at) values ($1, 'erased', $2, 0, $3)`;

/** Entries become nobody's; those of one video still belong together. $1 account, $2 nobody */
export const RENAME_ENTRIES = `
  with alias as materialized (
    select video_id, 'erased_' || gen_random_uuid() as name from (
      select distinct video_id from mixcache.ledger_entries where account_id = $1 and video_id is not null
    ) own
  )
  update mixcache.ledger_entries e
  set account_id = $2, video_id = (select name from alias where alias.video_id = e.video_id),
    reference = case when e.reference is not null then 'erased_' || e.id end
  where e.account_id = $1`;

/** $1 account, $2 nobody */
export const MOVE_BALANCES = `
  update mixcache.balances b
  set issued = own.issued, credit = own.credit, held = own.held, revenue = own.revenue
  from mixcache.balances own where own.account_id = $1 and b.account_id = $2`;

/** $1 account */
export const DELETE_BALANCES = "delete from mixcache.balances where account_id = $1";

/** $1 account */
export const DELETE_ACCOUNT = "delete from mixcache.accounts where id = $1";
