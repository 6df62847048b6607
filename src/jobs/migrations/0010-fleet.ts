import type { Migration } from "../database-contract.ts";

/** Which workers there are or will be, and by what the work that waits is estimated. */
export const fleet: Migration = {
  id: "0010-fleet",
  sql: `
    create table mixcache.workers (
      id text primary key,
      launched_at timestamptz not null default now(),
      seen_at timestamptz,
      ready_at timestamptz
    ) with (fillfactor = 50);
    comment on table mixcache.workers is 'one row a worker: since when somebody has asked a platform for it';
    comment on column mixcache.workers.seen_at is 'its last sign of life; null: it has not given any yet';
    comment on column mixcache.workers.ready_at is 'since when it takes videos; null: it is starting';

    alter table mixcache.videos add column most_flops bigint check (most_flops >= 0);
    comment on column mixcache.videos.most_flops is 'the most that it may compute; null: not known';
  `,
};
