import type { Migration } from "../database-contract.ts";

/** Who videos belong to, and how many of theirs wait and run. */
export const accounts: Migration = {
  id: "0001-accounts",
  sql: `
    create table mixcache.accounts (
      id text primary key,
      name text not null,
      unlimited boolean not null default false,
      max_queued integer check (max_queued >= 0),
      max_running integer check (max_running >= 1),
      created_at timestamptz not null
    );
    comment on column mixcache.accounts.unlimited is 'needs no credit';
    comment on column mixcache.accounts.max_queued is 'null: no limit';
    comment on column mixcache.accounts.max_running is 'null: no limit';
  `,
};
