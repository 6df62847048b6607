/** The statements of the ledger. Each locks the account's one row of balances before it writes anything else. */

/** $1 account, $2 amount, $3 reference, $4 time. Nothing where there is no such account or it lacks what is taken. */
export const CREDIT = `
with moved as (
  update mixcache.balances set issued = issued - $2::bigint, credit = credit + $2::bigint
  where account_id = $1 and (unlimited or credit + $2::bigint >= 0) returning account_id
)
insert into mixcache.ledger_entries (account_id, kind, reference, made_at, issued, credit)
select account_id, 'credit', $3, $4::timestamptz, -$2::bigint, $2::bigint from moved
returning id::text`;

/** $1 accounts: what they may spend; locks their balances in the order of their ids. */
export const LOCK_BALANCES = `
select account_id, unlimited, credit::text from mixcache.balances
where account_id = any($1::text[]) order by account_id for update`;

/**
 * $1 accounts, $2 videos and $3 amounts of holds, side by side and in their order, $4 time. The accounts' balances are
 * locked, and the credit is enough. Of arrays the planner knows how long they are, and so finds a few balances by their
 * index; of JSON it takes a hundred for granted, and reads the whole table.
 */
export const HOLD = `
with asked as (
  select account_id, video_id, amount, number
  from unnest($1::text[], $2::text[], $3::bigint[]) with ordinality as hold (account_id, video_id, amount, number)
), moved as (
  update mixcache.balances as own set credit = own.credit - all_of.amount, held = own.held + all_of.amount
  from (select account_id, sum(amount)::bigint as amount from asked group by account_id) as all_of
  where own.account_id = all_of.account_id
)
insert into mixcache.ledger_entries (account_id, kind, video_id, made_at, credit, held)
select account_id, 'hold', video_id, $4::timestamptz, -amount, amount from asked order by number`;

/** $1 video: what is held for it; locks the account's balances. */
export const LOCK_HOLD = `
select hold.account_id, hold.held::text as held
from mixcache.ledger_entries as hold join mixcache.balances as own on own.account_id = hold.account_id
where hold.video_id = $1 and hold.kind = 'hold'
for update of own`;

/** $1 account, $2 video, $3 settle or release, $4 held, $5 captured, $6 time. The account's balances are locked. */
export const END_HOLD = `
with entry as (
  insert into mixcache.ledger_entries (account_id, kind, video_id, made_at, credit, held, revenue)
  values ($1, $3, $2, $6::timestamptz, $4::bigint - $5::bigint, -$4::bigint, $5::bigint)
  returning account_id
)
update mixcache.balances as own
set credit = credit + $4::bigint - $5::bigint, held = held - $4::bigint, revenue = revenue + $5::bigint
from entry where own.account_id = entry.account_id
returning own.account_id`;

/** $1 account. */
export const BALANCE = `
select account_id, unlimited, issued::text, credit::text, held::text, revenue::text
from mixcache.balances where account_id = $1`;

/** $1 account, $2 before this entry or null, $3 how many: an account's entries, the youngest first. */
export const ENTRIES = `
select id::text, kind, video_id, reference, made_at, issued::text, credit::text, held::text, revenue::text
from mixcache.ledger_entries
where account_id = $1 and ($2::bigint is null or id < $2::bigint)
order by id desc limit $3`;

/** Every account whose balances are not the sum of its entries, or whose held is not that of its open holds. */
export const DRIFT = `
with summed as (
  select account_id, sum(issued) as issued, sum(credit) as credit, sum(held) as held, sum(revenue) as revenue
  from mixcache.ledger_entries group by account_id
), open_holds as (
  select hold.account_id, sum(hold.held) as held from mixcache.ledger_entries as hold
  where hold.kind = 'hold' and not exists (
    select from mixcache.ledger_entries as ended
    where ended.video_id = hold.video_id and ended.kind in ('settle', 'release'))
  group by hold.account_id
)
select own.account_id,
  own.issued::text, own.credit::text, own.held::text, own.revenue::text,
  coalesce(summed.issued, 0)::text as summed_issued, coalesce(summed.credit, 0)::text as summed_credit,
  coalesce(summed.held, 0)::text as summed_held, coalesce(summed.revenue, 0)::text as summed_revenue,
  coalesce(open_holds.held, 0)::text as open_holds
from mixcache.balances as own
  left join summed using (account_id) left join open_holds using (account_id)
where (own.issued, own.credit, own.held, own.revenue, own.held) is distinct from
  (coalesce(summed.issued, 0), coalesce(summed.credit, 0), coalesce(summed.held, 0), coalesce(summed.revenue, 0),
   coalesce(open_holds.held, 0))`;

/** Every settlement that has no hold, took more than was held, or gave another account's money. */
export const WRONG_ENDS = `
select ended.id::text, ended.account_id, ended.video_id, ended.kind
from mixcache.ledger_entries as ended
  left join mixcache.ledger_entries as hold on hold.video_id = ended.video_id and hold.kind = 'hold'
where ended.kind in ('settle', 'release') and (
  hold.id is null or hold.account_id <> ended.account_id or hold.held <> -ended.held or ended.revenue > hold.held)`;

/** The books of the house: the sums over all accounts. */
export const HOUSE = `
select count(*)::text as entries, coalesce(sum(issued), 0)::text as issued, coalesce(sum(credit), 0)::text as credit,
  coalesce(sum(held), 0)::text as held, coalesce(sum(revenue), 0)::text as revenue
from mixcache.ledger_entries`;
