/**
 * The tables of the ledger. Double entry with the postings of one entry side by side in its row: four books for each
 * account, whose changes have to sum to zero. That makes conservation a check of one row, which needs no trigger and
 * can't be put off; the view `postings` has the same as one line for each book.
 */

import type { Migration } from "../database-contract.ts";

/** Every account's books, the entries that made them, and the guard against changes. */
export const ledger: Migration = {
  id: "0002-ledger",
  sql: `
alter table mixcache.accounts add constraint accounts_unlimited unique (id, unlimited);

create table mixcache.balances (
  account_id text primary key,
  -- The account's own, kept equal by the foreign key: a check sees one row only.
  unlimited boolean not null,
  issued bigint not null default 0,
  credit bigint not null default 0,
  held bigint not null default 0,
  revenue bigint not null default 0,
  constraint balances_of_account foreign key (account_id, unlimited)
    references mixcache.accounts (id, unlimited) on update cascade,
  constraint balances_sum_to_zero check (issued + credit + held + revenue = 0),
  constraint balances_credit_not_negative check (unlimited or credit >= 0),
  constraint balances_held_not_negative check (held >= 0),
  constraint balances_revenue_not_negative check (revenue >= 0)
);

create function mixcache.open_books() returns trigger language plpgsql as $$
begin
  insert into mixcache.balances (account_id, unlimited) values (new.id, new.unlimited);
  return null;
end $$;

create trigger accounts_have_books after insert on mixcache.accounts
  for each row execute function mixcache.open_books();
insert into mixcache.balances (account_id, unlimited) select id, unlimited from mixcache.accounts;

create table mixcache.ledger_entries (
  id bigint generated always as identity primary key,
  account_id text not null references mixcache.balances,
  kind text not null,
  video_id text,
  -- Who or what asked for a credit; the same twice is one credit.
  reference text,
  made_at timestamptz not null,
  issued bigint not null default 0,
  credit bigint not null default 0,
  held bigint not null default 0,
  revenue bigint not null default 0,
  constraint entries_sum_to_zero check (issued + credit + held + revenue = 0),
  constraint entries_of_a_video check ((kind = 'credit') = (video_id is null)),
  constraint entries_shape check (case kind
    when 'credit' then credit = -issued and held = 0 and revenue = 0 and credit <> 0
    when 'hold' then held >= 0 and credit = -held and issued = 0 and revenue = 0
    when 'settle' then held <= 0 and revenue >= 0 and credit >= 0 and issued = 0
    when 'release' then held <= 0 and credit = -held and issued = 0 and revenue = 0
    else false end)
);

create unique index ledger_one_hold on mixcache.ledger_entries (video_id) where kind = 'hold';
create unique index ledger_one_end on mixcache.ledger_entries (video_id) where kind in ('settle', 'release');
create unique index ledger_one_credit on mixcache.ledger_entries (account_id, reference) where kind = 'credit';
create index ledger_by_account on mixcache.ledger_entries (account_id, id);

create view mixcache.postings as
  select id as entry_id, account_id, book, amount
  from mixcache.ledger_entries,
    lateral (values ('issued', issued), ('credit', credit), ('held', held), ('revenue', revenue)) as line (book, amount)
  where amount <> 0;

create function mixcache.ledger_is_append_only() returns trigger language plpgsql as $$
begin
  raise exception 'The ledger is append-only: an entry is corrected by another entry.' using errcode = 'restrict_violation';
end $$;

create trigger ledger_entries_append_only before update or delete on mixcache.ledger_entries
  for each row execute function mixcache.ledger_is_append_only();
create trigger ledger_entries_not_truncated before truncate on mixcache.ledger_entries
  for each statement execute function mixcache.ledger_is_append_only();
`,
};
