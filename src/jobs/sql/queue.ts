/** What is asked of pg-boss's own table: only reads and locks; every change goes through pg-boss. */

/** $1 queue, $2 job */
export const LOCK_JOB = `
  select state::text as state, retry_count, retry_limit, priority from pgboss.job
  where name = $1 and id = $2::uuid for update`;

/** The jobs that somebody is, or was, at work on. $1 queue */
export const ACTIVE_JOBS = `select id::text as id from pgboss.job where name = $1 and state = 'active'`;

/** A row where a job waits; found by pg-boss's index of what waits. $1 queue */
export const ANY_WAITING = `
  select 1 from pgboss.job where name = $1 and state < 'active' and not blocked limit 1`;

/** What an attempt has to know. $1 queue, $2 job, $3 video */
export const READ_ORDERS = `
  select j.state::text as state, j.retry_count, v.cancel_requested_at, v.deadline_at
  from pgboss.job j, mixcache.videos v
  where j.name = $1 and j.id = $2::uuid and v.id = $3`;

/** Videos in progress that no job is active for. $1 queue, $2 how many */
export const ORPHANED_ATTEMPTS = `
  select v.id, v.job_id::text as job_id
  from mixcache.videos v left join pgboss.job j on j.name = $1 and j.id = v.job_id
  where v.status = 'in_progress' and (j.id is null or j.state <> 'active')
  limit $2`;

/** Queued videos whose job is gone or over: somebody meddled with the queue. $1 queue, $2 how many */
export const ORPHANED_VIDEOS = `
  select v.id, v.job_id::text as job_id
  from mixcache.videos v left join pgboss.job j on j.name = $1 and j.id = v.job_id
  where v.status = 'queued' and (j.id is null or j.state in ('completed', 'cancelled', 'failed'))
  limit $2`;

/** Tells workers that a running video was cancelled. $1 channel, $2 video */
export const NOTIFY = "select pg_notify($1, $2)";
