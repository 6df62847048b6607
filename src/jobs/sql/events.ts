/**
 * What happened to videos. A video's row is locked while its `last_event` counts up, so that its events are committed
 * in the order of their numbers: who has read up to a number misses none below it.
 */

/** $1 video, $2 sequence, $3 type, $4 attempt, $5 data, $6 now */
export const WRITE_EVENT = `
  insert into mixcache.events (video_id, sequence, type, attempt, data, created_at)
  values ($1, $2, $3, $4, $5::jsonb, $6)`;

/**
 * What a worker reports of its attempt, if the attempt is still its own: its job is locked first, as everywhere. Events
 * that an earlier call brought already (its answer may have been lost) are left out, and those beyond the most that an
 * attempt may have. No row: the attempt is somebody else's. $1 video, $2 attempt, $3 queue, $4 job, $5 retry count,
 * $6 events as JSON `[{type, data}]`, $7 how many of the attempt's events came before them, $8 the most, $9 now,
 * $10 percent (null: progress stays as it is), $11 detail of the progress
 */
export const REPORT = `
  with fence as (
    select 1 from pgboss.job
    where name = $3 and id = $4::uuid and state = 'active' and retry_count = $5 for update
  ), given as (
    select e.value ->> 'type' as type, e.value -> 'data' as data, $7::integer + e.number::integer as number
    from jsonb_array_elements($6::jsonb) with ordinality as e (value, number)
  ), held as (
    select v.reported, v.last_event from mixcache.videos v
    where v.id = $1 and v.attempt = $2 and v.status = 'in_progress' and exists (select 1 from fence)
    for update
  ), fresh as (
    select g.type, g.data, g.number, h.last_event + (g.number - h.reported) as sequence
    from given g, held h where g.number > h.reported and g.number <= $8
  ), written as (
    insert into mixcache.events (video_id, sequence, type, attempt, data, created_at)
    select $1, sequence, type, $2, data, $9::timestamptz from fresh
  )
  update mixcache.videos v
  set reported = greatest(v.reported, coalesce((select max(number) from fresh), 0)),
    last_event = greatest(v.last_event, coalesce((select max(sequence) from fresh), 0)),
    progress = coalesce($10::smallint, v.progress),
    progress_detail = case when $10::smallint is null then v.progress_detail else $11::jsonb end
  from held where v.id = $1
  returning v.last_event`;

/** $1 video, $2 the last one known, $3 how many */
export const EVENTS_AFTER = `
  select sequence, type, attempt, data, created_at from mixcache.events
  where video_id = $1 and sequence > $2 order by sequence limit $3`;

/** $1 video, $2 sequence */
export const READ_EVENT = `
  select sequence, type, attempt, data, created_at from mixcache.events where video_id = $1 and sequence = $2`;

/** How these videos stand; those that were deleted are left out. $1 ids */
export const READ_STANDINGS = `
  select id, status, last_event, attempt, progress, progress_detail from mixcache.videos
  where id = any($1::text[]) and deleted_at is null`;

/** $1 oldest that stays */
export const FORGET_EVENTS = "delete from mixcache.events where created_at < $1 returning sequence";
