import type { Migration } from "../database-contract.ts";

/** How long an account's files are kept, and which installation this database belongs to. */
export const retention: Migration = {
  id: "0008-retention",
  sql: `
    alter table mixcache.accounts add column retention_days integer check (retention_days between 0 and 36500);
    comment on column mixcache.accounts.retention_days is 'null: the server''s RETENTION_DAYS; 0: for ever';

    create table mixcache.settings (
      name text primary key,
      value text not null
    );
    comment on table mixcache.settings is 'what the processes of an installation agree on';

    create index videos_expiring on mixcache.videos (expires_at)
      where expires_at is not null and purged_at is null;
  `,
};
