/** Who is told of events, what is on its way to them, and every try at it. */

const ENDPOINT = [
  "e.id, e.account_id, e.url, e.events, e.enabled, e.disabled_reason, e.secret, e.old_secret",
  "e.old_secret_until, e.failing_since, e.created_at",
].join(", ");

/** Endpoints of one account are counted and made under this lock. $1 account */
export const LOCK_ACCOUNT = "select id from mixcache.accounts where id = $1 for no key update";

/** $1 account */
export const COUNT_ENDPOINTS = `
  select count(*)::integer as count from mixcache.webhook_endpoints where account_id = $1 and url is not null`;

/** $1 id, $2 account, $3 url or null, $4 events, $5 sealed secret, $6 now */
export const INSERT_ENDPOINT = `
  insert into mixcache.webhook_endpoints as e (id, account_id, url, events, secret, created_at)
  values ($1, $2, $3, $4::text[], $5, $6) returning ${ENDPOINT}`;

/** $1 account, $2 id */
export const READ_ENDPOINT = `
  select ${ENDPOINT} from mixcache.webhook_endpoints e where account_id = $1 and id = $2`;

/** The one that signs for URLs of requests. $1 account */
export const READ_REQUEST_ENDPOINT = `
  select ${ENDPOINT} from mixcache.webhook_endpoints e where account_id = $1 and url is null`;

/** $1 account, $2 after this id or null, $3 how many */
export const LIST_ENDPOINTS = `
  select ${ENDPOINT} from mixcache.webhook_endpoints e
  where account_id = $1 and ($2::text is null or id > $2) order by id limit $3`;

/** What is null stays as it is. $1 account, $2 id, $3 url, $4 events, $5 enabled, $6 why it is disabled */
export const CHANGE_ENDPOINT = `
  update mixcache.webhook_endpoints e
  set url = coalesce($3, url), events = coalesce($4::text[], events), enabled = coalesce($5::boolean, enabled),
    disabled_reason = case when coalesce($5::boolean, enabled) then null else coalesce($6, disabled_reason) end
  where account_id = $1 and id = $2 returning ${ENDPOINT}`;

/** $1 account, $2 id, $3 the new sealed secret, $4 until when the old one is valid too, or null */
export const ROTATE_SECRET = `
  update mixcache.webhook_endpoints e
  set secret = $3, old_secret_until = $4::timestamptz,
    old_secret = case when $4::timestamptz is null then null else secret end
  where account_id = $1 and id = $2 returning ${ENDPOINT}`;

/** $1 account, $2 id */
export const DELETE_ENDPOINT =
  "delete from mixcache.webhook_endpoints where account_id = $1 and id = $2 returning id";

/** $1 id, $2 now */
export const NOTE_FAILING =
  "update mixcache.webhook_endpoints set failing_since = $2 where id = $1 and failing_since is null";

/** $1 id */
export const NOTE_WORKING =
  "update mixcache.webhook_endpoints set failing_since = null where id = $1 and failing_since is not null";

/** $1 id, $2 why */
export const DISABLE_ENDPOINT = `
  update mixcache.webhook_endpoints set enabled = false, disabled_reason = $2
  where id = $1 and url is not null and enabled`;

/** Events that nobody fanned out yet, the oldest first. $1 how many */
export const LOCK_UNSENT = `
  select id from mixcache.outbox where sent_at is null order by id limit $1 for update skip locked`;

/** $1 events, $2 now */
export const MARK_SENT = "update mixcache.outbox set sent_at = $2 where id = any($1::text[])";

/** Who is to be told of these events: endpoints that want them, and URLs that their requests named. $1 events */
export const TARGETS = `
  select o.id as event_id, o.account_id, e.id as endpoint_id, null::text as url, e.failing_since is not null as failing
  from mixcache.outbox o join mixcache.webhook_endpoints e on e.account_id = o.account_id
  where o.id = any($1::text[]) and e.url is not null and e.enabled and o.type = any(e.events)
  union all
  select o.id, o.account_id, e.id, v.request ->> 'webhook_url', false
  from mixcache.outbox o
    join mixcache.videos v on v.id = o.video_id
    join mixcache.webhook_endpoints e on e.account_id = o.account_id and e.url is null and e.enabled
  where o.id = any($1::text[]) and v.request ? 'webhook_url'
    and (not v.request ? 'webhook_events' or v.request -> 'webhook_events' ? o.type)
  order by 1, 3`;

/** $1 deliveries as JSON, $2 now */
export const INSERT_DELIVERIES = `
  insert into mixcache.webhook_deliveries
    (id, event_id, endpoint_id, account_id, url, lane, state, job_id, next_attempt_at, created_at)
  select id, event_id, endpoint_id, account_id, url, lane, 'pending', job_id, $2, $2
  from jsonb_to_recordset($1::jsonb) as d
    (id text, event_id text, endpoint_id text, account_id text, url text, lane text, job_id uuid)`;

/** Everything that sending takes. $1 deliveries */
export const READ_CLAIMED = `
  select d.id, d.event_id, d.endpoint_id, d.lane, d.failures, coalesce(d.url, e.url) as target_url,
    o.type, o.payload, o.created_at as happened_at, e.secret, e.old_secret, e.old_secret_until
  from mixcache.webhook_deliveries d
    join mixcache.webhook_endpoints e on e.id = d.endpoint_id
    join mixcache.outbox o on o.id = d.event_id
  where d.id = any($1::text[]) and d.state = 'pending' and e.enabled`;

/** $1 id */
export const LOCK_DELIVERY = `
  select id, endpoint_id, lane, state, job_id::text as job_id, attempts
  from mixcache.webhook_deliveries where id = $1 for update`;

/** $1 delivery, $2 number, $3 when it began, $4 milliseconds, $5 HTTP status or null, $6 error or null */
export const INSERT_ATTEMPT = `
  insert into mixcache.webhook_attempts (delivery_id, number, at, duration_ms, status, error)
  values ($1, $2, $3, $4, $5, $6)`;

/** $1 id, $2 number of the attempt */
export const COUNT_ATTEMPT = "update mixcache.webhook_deliveries set attempts = $2 where id = $1";

/** $1 id, $2 state, $3 now */
export const END_DELIVERY = `
  update mixcache.webhook_deliveries set state = $2, next_attempt_at = null, finished_at = $3
  where id = $1 and state = 'pending'`;

/** $1 id, $2 the next job, $3 when it is due */
export const POSTPONE_DELIVERY = `
  update mixcache.webhook_deliveries set job_id = $2::uuid, failures = failures + 1, next_attempt_at = $3
  where id = $1`;

/** From the beginning of the schedule again. $1 id, $2 the next job, $3 now */
export const REOPEN_DELIVERY = `
  update mixcache.webhook_deliveries
  set state = 'pending', job_id = $2::uuid, failures = 0, next_attempt_at = $3, finished_at = null
  where id = $1`;

/** $1 account, $2 id: with whether its endpoint is enabled */
export const LOCK_DELIVERY_OF = `
  select d.id, d.lane, d.state, d.job_id::text as job_id, e.enabled, e.id as endpoint_id
  from mixcache.webhook_deliveries d join mixcache.webhook_endpoints e on e.id = d.endpoint_id
  where d.account_id = $1 and d.id = $2 for update of d`;

const DELIVERY = `
  select d.id, d.event_id, d.endpoint_id, d.state, d.next_attempt_at, d.created_at, d.finished_at,
    coalesce(d.url, e.url) as target_url, o.type, o.video_id, coalesce((
      select jsonb_agg(jsonb_build_object('number', a.number, 'at', a.at, 'duration_ms', a.duration_ms,
        'status', a.status, 'error', a.error) order by a.number)
      from mixcache.webhook_attempts a where a.delivery_id = d.id
    ), '[]') as attempts
  from mixcache.webhook_deliveries d
    join mixcache.webhook_endpoints e on e.id = d.endpoint_id
    join mixcache.outbox o on o.id = d.event_id`;

/** $1 account, $2 id */
export const READ_DELIVERY = `${DELIVERY} where d.account_id = $1 and d.id = $2`;

/** The youngest first. $1 account, $2 endpoint, $3 before this id or null, $4 how many */
export const LIST_DELIVERIES = `${DELIVERY}
  where d.account_id = $1 and d.endpoint_id = $2 and ($3::text is null or d.id < $3)
  order by d.id desc limit $4`;
