/** What was promised: idempotency records, and the outbox. */

/** $1 accounts and $2 their keys, pair by pair, $3 oldest that counts */
export const READ_KEYS = `
  select k.account_id, k.key, k.fingerprint, k.video_id
  from unnest($1::text[], $2::text[]) as asked (account_id, key) join mixcache.idempotency k using (account_id, key)
  where k.created_at >= $3`;

/** The accounts' lines are locked, and none of the keys counts any more. $1 keys as JSON, $2 now */
export const KEEP_KEYS = `
  insert into mixcache.idempotency (account_id, key, fingerprint, video_id, created_at)
  select account_id, key, fingerprint, video_id, $2
  from json_to_recordset($1::json) as k (account_id text, key text, fingerprint text, video_id text)
  on conflict (account_id, key) do update
  set fingerprint = excluded.fingerprint, video_id = excluded.video_id, created_at = excluded.created_at`;

/** Waits for nobody: a key that is being used anew stays. $1 oldest that stays */
export const FORGET_KEYS = `
  delete from mixcache.idempotency where (account_id, key) in (
    select account_id, key from mixcache.idempotency where created_at < $1 for update skip locked)
  returning key`;

/** $1 id, $2 video, $3 account, $4 type, $5 payload, $6 now */
export const WRITE_OUTBOX = `
  insert into mixcache.outbox (id, video_id, account_id, type, payload, created_at)
  values ($1, $2, $3, $4, $5::jsonb, $6)`;

/** With what became of it; not what is still being told. $1 oldest that stays */
export const FORGET_OUTBOX = `
  delete from mixcache.outbox o where created_at < $1 and not exists (
    select from mixcache.webhook_deliveries d where d.event_id = o.id and d.state = 'pending')
  returning id`;
