/** What is asked of videos and books together, and changes nothing. */

/**
 * What recent videos of a kind cost, of what was held for them. The last thousand of all are looked at, so that a rare
 * kind costs no more to ask for. $1 model, $2 cache as JSON, $3 unit of the price, $4 how many
 */
export const PAST_CHARGES = `
  select count(*)::integer as videos, coalesce(sum(cost), 0)::text as cost, coalesce(sum(hold), 0)::text as hold
  from (
    select cost, hold from (
      select cost, hold, request, terms from mixcache.videos
      where status = 'completed' order by completed_at desc limit 1000
    ) recent
    where request->>'model' = $1 and request->'cache' = $2::jsonb and terms->>'unit' = $3 and hold > 0
    limit $4
  ) alike`;

/**
 * What ended in a time, by day of UTC, key and model, as far as they are asked for. $1 account, $2 from, $3 until,
 * $4 by day, $5 by key, $6 by model, $7 how many rows
 */
export const USAGE = `
  select
    case when $4::boolean then to_char(e.made_at at time zone 'UTC', 'YYYY-MM-DD') end as day,
    case when $5::boolean then v.key_id end as key,
    case when $6::boolean then v.request->>'model' end as model,
    count(*)::integer as videos,
    (count(*) filter (where v.status = 'completed'))::integer as completed,
    sum(e.revenue)::text as amount,
    coalesce(sum((v.usage->>'flops')::numeric), 0)::text as flops,
    coalesce(sum((v.usage->>'engine_ms')::numeric), 0)::text as engine_ms,
    coalesce(sum((v.usage->>'video_ms')::numeric), 0)::text as video_ms
  from mixcache.ledger_entries e left join mixcache.videos v on v.id = e.video_id
  where e.account_id = $1 and e.kind in ('settle', 'release') and e.made_at >= $2 and e.made_at < $3
  group by 1, 2, 3
  order by 1 nulls last, 2 nulls first, 3 nulls first
  limit $7`;

/** How many wait and run, since when the first waits, and all books; each from few rows. */
export const TOTALS = `
  select
    (select coalesce(sum(queued), 0)::integer from mixcache.lines) as queued,
    (select coalesce(sum(running), 0)::integer from mixcache.lines) as running,
    (select min(created_at) from mixcache.videos where status = 'queued') as oldest_at,
    (select coalesce(sum(-issued), 0)::text from mixcache.balances) as issued,
    (select coalesce(sum(credit), 0)::text from mixcache.balances) as credit,
    (select coalesce(sum(held), 0)::text from mixcache.balances) as held,
    (select coalesce(sum(revenue), 0)::text from mixcache.balances) as revenue`;
