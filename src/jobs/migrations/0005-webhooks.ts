import type { Migration } from "../database-contract.ts";

/** Who is told of events, what is on its way to them, and every try at it. */
export const webhooks: Migration = {
  id: "0005-webhooks",
  sql: `
    create table mixcache.webhook_endpoints (
      id text primary key,
      account_id text not null references mixcache.accounts (id),
      url text,
      events text[] not null,
      enabled boolean not null default true,
      disabled_reason text,
      secret text not null,
      old_secret text,
      old_secret_until timestamptz,
      failing_since timestamptz,
      created_at timestamptz not null,
      check ((old_secret is null) = (old_secret_until is null))
    );
    comment on column mixcache.webhook_endpoints.url is 'null: signs for the URLs that requests name; one an account';
    comment on column mixcache.webhook_endpoints.secret is 'sealed; jobs never see what is in it';
    create index webhook_endpoints_of_account on mixcache.webhook_endpoints (account_id, id);
    create unique index webhook_endpoints_for_requests on mixcache.webhook_endpoints (account_id) where url is null;

    create table mixcache.webhook_deliveries (
      id text primary key,
      event_id text not null references mixcache.outbox (id) on delete cascade,
      endpoint_id text not null references mixcache.webhook_endpoints (id) on delete cascade,
      account_id text not null,
      url text,
      lane text not null,
      state text not null check (state in ('pending', 'delivered', 'failed', 'cancelled')),
      job_id uuid not null,
      attempts integer not null default 0,
      failures integer not null default 0,
      next_attempt_at timestamptz,
      created_at timestamptz not null,
      finished_at timestamptz,
      check ((state = 'pending') = (next_attempt_at is not null)),
      check ((state = 'pending') = (finished_at is null))
    ) with (fillfactor = 80);
    comment on column mixcache.webhook_deliveries.url is 'of the request; null: the endpoint''s';
    comment on column mixcache.webhook_deliveries.lane is 'the receiver that waits for itself only';
    comment on column mixcache.webhook_deliveries.failures is 'in a row, since it was made or replayed';
    create unique index webhook_deliveries_once on mixcache.webhook_deliveries (event_id, endpoint_id);
    create index webhook_deliveries_of_endpoint on mixcache.webhook_deliveries (endpoint_id, id);

    create table mixcache.webhook_attempts (
      delivery_id text not null references mixcache.webhook_deliveries (id) on delete cascade,
      number integer not null,
      at timestamptz not null,
      duration_ms integer not null,
      status integer,
      error text,
      primary key (delivery_id, number)
    );

    create index outbox_age on mixcache.outbox (created_at);
  `,
};
