import type { Migration } from "../database-contract.ts";

/** Videos, their place in line, what was promised for which key, and what there is to tell. */
export const videos: Migration = {
  id: "0003-videos",
  sql: `
    create table mixcache.lines (
      account_id text primary key references mixcache.accounts (id),
      last_turn bigint not null default 0,
      queued integer not null default 0 check (queued >= 0),
      running integer not null default 0 check (running >= 0)
    ) with (fillfactor = 50);
    comment on table mixcache.lines is 'one row an account: the turn of its newest video, how many wait and run';

    create table mixcache.queue_clock (
      one boolean primary key default true check (one),
      turn bigint not null default 0
    );
    comment on table mixcache.queue_clock is 'turn: of the newest video that started; its lock lets one worker take at a time';
    insert into mixcache.queue_clock default values;

    create table mixcache.videos (
      id text primary key,
      account_id text not null references mixcache.accounts (id),
      key_id text,
      status text not null check (status in ('queued', 'in_progress', 'completed', 'failed')),
      error_code text,
      error_message text,
      request jsonb not null,
      bundle_digest text not null,
      terms jsonb not null,
      hold bigint not null check (hold >= 0),
      cost bigint check (cost >= 0 and cost <= hold),
      usage jsonb,
      report jsonb,
      result jsonb,
      progress smallint not null default 0,
      progress_detail jsonb,
      attempt integer not null default 0,
      failures jsonb not null default '[]',
      hand_backs integer not null default 0,
      job_id uuid not null,
      turn bigint not null,
      fingerprint text not null,
      created_at timestamptz not null,
      started_at timestamptz,
      completed_at timestamptz,
      expires_at timestamptz,
      deadline_at timestamptz,
      cancel_requested_at timestamptz,
      deleted_at timestamptz,
      purged_at timestamptz,
      check ((status in ('completed', 'failed')) = (cost is not null)),
      check ((status = 'failed') = (error_code is not null))
    ) with (fillfactor = 80);
    create index videos_of_account on mixcache.videos (account_id, id) where deleted_at is null;
    create index videos_same_wish on mixcache.videos (fingerprint);
    create index videos_waiting on mixcache.videos (turn, created_at) where status = 'queued';
    create index videos_waiting_deadline on mixcache.videos (deadline_at)
      where status = 'queued' and deadline_at is not null;
    create index videos_running on mixcache.videos (id) where status = 'in_progress';
    create index videos_completed on mixcache.videos (completed_at) where status = 'completed';
    create index videos_to_purge on mixcache.videos (id) where deleted_at is not null and purged_at is null;

    create table mixcache.idempotency (
      account_id text not null,
      key text not null,
      fingerprint text not null,
      video_id text not null,
      created_at timestamptz not null,
      primary key (account_id, key)
    );
    create index idempotency_age on mixcache.idempotency (created_at);

    create table mixcache.outbox (
      id text primary key,
      video_id text not null,
      account_id text not null,
      type text not null,
      payload jsonb not null,
      created_at timestamptz not null,
      sent_at timestamptz
    );
    create index outbox_unsent on mixcache.outbox (id) where sent_at is null;
  `,
};
