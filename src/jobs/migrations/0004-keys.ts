import type { Migration } from "../database-contract.ts";

/** API keys of accounts: a digest, never the key. */
export const keys: Migration = {
  id: "0004-keys",
  sql: `
    create table mixcache.api_keys (
      id text primary key,
      account_id text not null references mixcache.accounts (id),
      name text not null,
      hash text not null constraint api_keys_hash unique,
      prefix text not null,
      scopes text[] not null,
      created_at timestamptz not null,
      last_used_at timestamptz,
      revoked_at timestamptz
    );
    comment on column mixcache.api_keys.hash is 'SHA-256 of the key, in hex';
    comment on column mixcache.api_keys.last_used_at is 'to the minute';
    create index api_keys_of_account on mixcache.api_keys (account_id, id);
  `,
};
