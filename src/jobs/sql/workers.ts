/**
 * Workers, and how many there should be. Whether one lives is said by the database's clock, which all of them share:
 * one that has given a sign of life, by that; one that a platform was only asked for, by when.
 */

/** `w`; $1 seconds of silence that end a worker, $2 seconds that a platform has to start one. */
const LIVES = `case when w.seen_at is null then w.launched_at > now() - make_interval(secs => $2)
  else w.seen_at > now() - make_interval(secs => $1) end`;

/** One tick at a time decides what is missing. */
export const LOCK_FLEET = "select pg_advisory_xact_lock(7269282)";

/** A sign of life; the row comes back where it was taken for dead. $1 worker, $2 whether it takes videos */
export const SIGN_OF_LIFE = `
  insert into mixcache.workers as w (id, seen_at, ready_at)
  values ($1, now(), case when $2::boolean then now() end)
  on conflict (id) do update set seen_at = now(), ready_at = coalesce(w.ready_at, excluded.ready_at)`;

/** $1 workers that platforms are asked for now */
export const EXPECT_WORKERS = "insert into mixcache.workers (id) select unnest($1::text[])";

/** And whoever was last heard of a day ago: without ticks nobody else tidies up after those that were killed. $1 worker */
export const FORGET_WORKER = `
  delete from mixcache.workers
  where id = $1 or coalesce(seen_at, launched_at) < now() - interval '1 day'`;

/** $1, $2 as in LIVES */
export const FORGET_DEAD_WORKERS = `delete from mixcache.workers w where not (${LIVES})`;

/**
 * What the number of workers goes by, in one snapshot. What a queued video will take is its FLOPs at the most times
 * what those of the last 50 came to in the end; where that isn't known, as long as they took on average.
 * $1, $2 as in LIVES, $3 seconds of a video where nothing was ever made
 */
export const FLEET = `
  with recent as (
    select (usage->>'engine_ms')::float8 / 1000 as seconds, most_flops::float8 as flops
    from mixcache.videos where status = 'completed' order by completed_at desc limit 50
  ), pace as (
    select avg(seconds) as seconds,
      sum(seconds) filter (where flops > 0) / sum(flops) filter (where flops > 0) as seconds_per_flop
    from recent
  ), line as (
    select coalesce(sum(l.queued), 0)::integer as queued, coalesce(sum(l.running), 0)::integer as busy,
      coalesce(sum(least(l.queued, greatest(coalesce(a.max_running - l.running, l.queued), 0))), 0)::integer as startable
    from mixcache.lines l join mixcache.accounts a on a.id = l.account_id
  ), waiting as (
    select coalesce(sum(coalesce(v.most_flops * p.seconds_per_flop, p.seconds, $3::float8)), 0)::float8 as seconds,
      coalesce(extract(epoch from now() - min(v.created_at)), 0)::float8 as oldest
    from mixcache.videos v cross join pace p where v.status = 'queued'
  ), alive as (
    select (count(*) filter (where w.ready_at is null))::integer as starting,
      (count(*) filter (where w.ready_at is not null))::integer as ready
    from mixcache.workers w where ${LIVES}
  )
  select line.queued, line.busy, line.startable, waiting.seconds as backlog_seconds,
    greatest(waiting.oldest, 0) as oldest_seconds, alive.starting, alive.ready
  from line, waiting, alive`;
