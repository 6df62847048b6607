import type { Migration } from "../database-contract.ts";

/** What happened to a video, in order: rows that a stream is replayed from. */
export const events: Migration = {
  id: "0006-events",
  sql: `
    alter table mixcache.videos
      add column last_event integer not null default 0,
      add column reported integer not null default 0;
    comment on column mixcache.videos.last_event is 'sequence of its newest event; 0: none';
    comment on column mixcache.videos.reported is 'events of the running attempt that its worker reported and that are kept';

    create table mixcache.events (
      video_id text not null references mixcache.videos (id) on delete cascade,
      sequence integer not null check (sequence > 0),
      type text not null,
      attempt integer not null,
      data jsonb not null,
      created_at timestamptz not null,
      primary key (video_id, sequence)
    );
    create index events_age on mixcache.events (created_at);
  `,
};
