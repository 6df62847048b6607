/** Limits of keys: how often, and how much. */

/**
 * One more request of a key (GCRA): allowed while the moment at which all of its requests are there again lies at most
 * a full allowance ahead. Nothing comes back where it is not. $1 key, $2 now, $3 microseconds a request, $4 those of all
 */
export const COUNT_REQUEST = `
insert into mixcache.key_rates as r (key_id, full_at)
values ($1, $2::timestamptz + $3::bigint * interval '1 microsecond')
on conflict (key_id) do update
set full_at = greatest(r.full_at, $2::timestamptz) + $3::bigint * interval '1 microsecond'
where greatest(r.full_at, $2::timestamptz) + $3::bigint * interval '1 microsecond'
  <= $2::timestamptz + $4::bigint * interval '1 microsecond'
returning extract(epoch from full_at - $2::timestamptz)::float8 as seconds`;

/** How far ahead that moment lies. $1 key, $2 now */
export const REQUESTS_LEFT = `
select extract(epoch from full_at - $2::timestamptz)::float8 as seconds from mixcache.key_rates where key_id = $1`;

/**
 * What the videos of keys cost, or hold where they have not ended. $1 keys and $2 the time since which theirs count, pair
 * by pair
 */
export const SPENT_BY_KEYS = `
select asked.key_id, asked.since, (
  select coalesce(sum(coalesce(cost, hold)), 0)::text from mixcache.videos v
  where v.key_id = asked.key_id and v.created_at >= asked.since
) as spent
from unnest($1::text[], $2::timestamptz[]) as asked (key_id, since)`;
