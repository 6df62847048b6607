/** Which steps of the schema were applied. */

/** Taken for the length of the transaction that applies a step, so that two processes that start don't race. */
export const LOCK_MIGRATIONS = "select pg_advisory_xact_lock(7269281)";

export const CREATE_MIGRATIONS = `
  create schema if not exists mixcache;
  create table if not exists mixcache.migrations (
    id text primary key,
    sha256 text not null,
    applied_at timestamptz not null default now()
  );
  alter table mixcache.migrations add column if not exists contracts boolean not null default false;
`;

/** Null where no step was ever applied. */
export const MIGRATIONS_TABLE = "select to_regclass('mixcache.migrations')::text as name";

/** By `to_jsonb`, since the oldest databases have no such column. */
export const APPLIED_MIGRATIONS = `
  select m.id, m.sha256, coalesce((to_jsonb(m)->>'contracts')::boolean, false) as contracts
  from mixcache.migrations m order by m.id`;

export const RECORD_MIGRATION = "insert into mixcache.migrations (id, sha256, contracts) values ($1, $2, $3)";

/** pg-boss's own schema; null where it has none. */
export const BOSS_TABLE = "select to_regclass('pgboss.version')::text as name";

export const BOSS_VERSION = "select version::integer as version from pgboss.version";
