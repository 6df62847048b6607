import type { Migration } from "../database-contract.ts";

/** What a key may do in a time, what a video was made from, and how an account's data goes. */
export const limits: Migration = {
  id: "0007-limits",
  sql: `
    alter table mixcache.api_keys
      add column requests_per_minute integer check (requests_per_minute >= 1),
      add column spend_cap bigint check (spend_cap >= 0),
      add column spend_period text check (spend_period in ('day', 'month')),
      add constraint api_keys_spend_cap check ((spend_cap is null) = (spend_period is null));
    comment on column mixcache.api_keys.requests_per_minute is 'null: no limit';
    comment on column mixcache.api_keys.spend_cap is 'in micros, for a day or a month of UTC; null: no cap';

    create table mixcache.key_rates (
      key_id text primary key references mixcache.api_keys (id) on delete cascade,
      full_at timestamptz not null
    ) with (fillfactor = 50);
    comment on table mixcache.key_rates is 'GCRA, one row a key: when all of its requests are there again';

    alter table mixcache.videos add column remixed_from text, add column traceparent text;
    comment on column mixcache.videos.remixed_from is 'the video whose settings it has';
    comment on column mixcache.videos.traceparent is 'W3C: the request that made it, for spans';
    create index videos_of_key on mixcache.videos (key_id, created_at) include (hold, cost);
    create index ledger_by_time on mixcache.ledger_entries (account_id, made_at);

    create or replace function mixcache.ledger_is_append_only() returns trigger language plpgsql as $$
    begin
      -- Whose an entry is may be forgotten, when an account's data is deleted; what it says may not.
      if tg_op = 'UPDATE' and current_setting('mixcache.erasing', true) = 'on' then
        if (new.id, new.kind, new.made_at, new.issued, new.credit, new.held, new.revenue)
          = (old.id, old.kind, old.made_at, old.issued, old.credit, old.held, old.revenue) then
          return new;
        end if;
      end if;
      raise exception 'The ledger is append-only: an entry is corrected by another entry.' using errcode = 'restrict_violation';
    end $$;
  `,
};
