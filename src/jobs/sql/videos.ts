/**
 * The table of videos. Whoever changes a status changes the account's line too (`sql/lines.ts`), counts `last_event` up
 * and writes that event (`sql/events.ts`).
 */

const COLUMNS = [
  "id, account_id, key_id, status, error_code, error_message, request, bundle_digest, terms",
  "hold::text as hold, cost::text as cost, usage, report, result, progress, progress_detail, attempt, failures",
  "hand_backs, job_id::text as job_id, turn::text as turn, created_at, started_at, completed_at, expires_at",
  "deadline_at, cancel_requested_at, deleted_at, last_event, remixed_from, traceparent",
].join(", ");

/**
 * With their first events, in lines that are locked. $1 videos as JSON, $2 now, $3 their accounts: of these the planner
 * knows how many they are, and so finds a few lines by their index.
 */
export const INSERT_VIDEOS = `
  with made as (
    insert into mixcache.videos
      (id, account_id, key_id, status, request, bundle_digest, terms, hold, job_id, turn, fingerprint, created_at,
        deadline_at, remixed_from, traceparent, most_flops, last_event)
    select id, account_id, key_id, 'queued', request, bundle_digest, terms, hold, job_id, turn, fingerprint, $2::timestamptz,
      deadline_at, remixed_from, traceparent, most_flops, 1
    from json_to_recordset($1::json) as v (id text, account_id text, key_id text, request jsonb, bundle_digest text,
      terms jsonb, hold bigint, job_id uuid, turn bigint, fingerprint text, deadline_at timestamptz, remixed_from text,
      traceparent text, most_flops bigint)
    returning *
  ), told as (
    insert into mixcache.events (video_id, sequence, type, attempt, data, created_at)
    select id, last_event, 'video.queued', attempt, '{}', created_at from made
  ), joined as (
    update mixcache.lines l set queued = l.queued + own.count, last_turn = own.turn
    from (select account_id, count(*)::integer as count, max(turn) as turn from made group by account_id) own
    where l.account_id = own.account_id and l.account_id = any($3::text[])
  )
  select ${COLUMNS} from made`;

/** $1 ids */
export const READ_VIDEOS = `select ${COLUMNS} from mixcache.videos where id = any($1::text[])`;

/** $1 id */
export const LOCK_VIDEO = `select ${COLUMNS} from mixcache.videos where id = $1 for update`;

/** $1 id, $2 account */
export const READ_VIDEO_OF = `
  select ${COLUMNS} from mixcache.videos where id = $1 and account_id = $2 and deleted_at is null`;

/** The first video of each wish. $1 accounts and $2 fingerprints, pair by pair, $3 oldest creation that counts */
export const SAME_WISHES = `
  select distinct on (v.account_id, v.fingerprint) v.account_id, v.fingerprint, v.id
  from unnest($1::text[], $2::text[]) as asked (account_id, fingerprint)
    join mixcache.videos v using (account_id, fingerprint)
  where v.created_at >= $3 and v.deleted_at is null
  order by v.account_id, v.fingerprint, v.created_at, v.id`;

/** $1 account, $2 the id before the page ('' at the start), $3 how many */
export const LIST_ASCENDING = `
  select ${COLUMNS} from mixcache.videos
  where account_id = $1 and deleted_at is null and id > $2 order by id limit $3`;

/** $1 account, $2 the id before the page ('~' at the start: it sorts after every id), $3 how many */
export const LIST_DESCENDING = `
  select ${COLUMNS} from mixcache.videos
  where account_id = $1 and deleted_at is null and id < $2 order by id desc limit $3`;

/** $1 id, $2 now */
export const START_VIDEO = `
  update mixcache.videos
  set status = 'in_progress', attempt = attempt + 1, started_at = coalesce(started_at, $2),
    progress = 0, progress_detail = null, reported = 0, last_event = last_event + 1
  where id = $1 returning ${COLUMNS}`;

/** $1 id */
export const REQUEUE_VIDEO = `
  update mixcache.videos
  set status = 'queued', progress = 0, progress_detail = null, last_event = last_event + 1
  where id = $1 returning ${COLUMNS}`;

/** $1 id, $2 the failure as JSON */
export const NOTE_FAILURE = `
  update mixcache.videos set failures = failures || $2::jsonb where id = $1 returning ${COLUMNS}`;

/** $1 id, $2 the new job's id */
export const HAND_BACK_VIDEO = `
  update mixcache.videos
  set status = 'queued', progress = 0, progress_detail = null, hand_backs = hand_backs + 1, job_id = $2::uuid,
    last_event = last_event + 1
  where id = $1 returning ${COLUMNS}`;

/**
 * What has files loses them after the account's retention, or the server's; zero days are for ever.
 * $1 id, $2 status, $3 code, $4 message, $5 cost, $6 usage, $7 report, $8 result, $9 now, $10 the server's days or null
 */
export const FINISH_VIDEO = `
  update mixcache.videos
  set status = $2, error_code = $3, error_message = $4, cost = $5::bigint, usage = $6::jsonb, report = $7::jsonb,
    result = $8::jsonb, completed_at = $9::timestamptz, progress = case when $2 = 'completed' then 100 else progress end,
    progress_detail = null, last_event = last_event + 1,
    expires_at = case when $8::jsonb is not null then $9::timestamptz + make_interval(days => nullif(
      coalesce((select a.retention_days from mixcache.accounts a where a.id = account_id), $10::integer), 0)) end
  where id = $1 returning ${COLUMNS}`;

/** $1 id, $2 now */
export const REQUEST_CANCEL = `
  update mixcache.videos set cancel_requested_at = coalesce(cancel_requested_at, $2)
  where id = $1 returning ${COLUMNS}`;

/** With its events. $1 id, $2 now */
export const DELETE_VIDEO = `
  with told as (delete from mixcache.events where video_id = $1)
  update mixcache.videos set deleted_at = $2 where id = $1 returning ${COLUMNS}`;

/** $1 how many, $2 now */
export const PURGEABLE = `
  (select id from mixcache.videos where deleted_at is not null and purged_at is null order by id limit $1)
  union
  (select id from mixcache.videos where expires_at <= $2 and purged_at is null order by expires_at limit $1)
  limit $1`;

/** $1 ids, $2 now */
export const MARK_PURGED = `
  update mixcache.videos set purged_at = $2
  where id = any($1::text[]) and (deleted_at is not null or expires_at <= $2) and purged_at is null`;

/** Which files of these videos are to be kept: all while it lives, none once they were purged. $1 ids */
export const KEPT_FILES = `
  select id, status in ('queued', 'in_progress') as live, case when purged_at is null then result end as result
  from mixcache.videos where id = any($1::text[])`;

/** Queued videos whose deadline is over. $1 now, $2 how many */
export const OVERDUE = `
  select id, job_id::text as job_id from mixcache.videos
  where status = 'queued' and deadline_at <= $1 order by deadline_at limit $2`;

/**
 * How many queued videos start before each of these; counting ends at $2. Each is counted on from the one before it, so
 * that many cost little more than the last of them. $1 ids
 */
export const PLACES = `
  with asked as (
    select id, turn, created_at, coalesce(lag(turn) over turns, 0) as after_turn,
      coalesce(lag(created_at) over turns, '-infinity') as after_time
    from mixcache.videos where id = any($1::text[]) and status = 'queued'
    window turns as (order by turn, created_at)
  ), counted as (
    select id, turn, created_at, (
      select count(*) from (
        select 1 from mixcache.videos o
        where o.status = 'queued' and (o.turn, o.created_at) < (asked.turn, asked.created_at)
          and (o.turn, o.created_at) >= (asked.after_turn, asked.after_time)
        limit $2
      ) before
    ) as further
    from asked
  )
  select id, least(sum(further) over (order by turn, created_at), $2)::integer as position from counted`;

/** How fast videos are made: mean seconds of the last 50, and how many are being made. */
export const PACE = `
  select
    (select extract(epoch from avg(completed_at - started_at))::float8 from (
      select completed_at, started_at from mixcache.videos
      where status = 'completed' order by completed_at desc limit 50
    ) recent) as seconds,
    (select count(*)::integer from mixcache.videos where status = 'in_progress') as running`;
