/**
 * Who in this process watches which video. One statement looks after all of them, twice a second while there are any,
 * and at once for a video whose state changed in another process (NOTIFY). What a notification missed the next look
 * finds, so that a lost connection costs half a second and nothing else.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Wait } from "./core.ts";
import type { Database } from "./database-contract.ts";
import type { Standing } from "./event-contract.ts";
import { EVENT_CHANNEL } from "./events.ts";
import { READ_STANDINGS } from "./sql/events.ts";
import type { Progress, VideoStatus } from "./video-contract.ts";

const LOOK_MS = 500;

/** The system's timers; a wait keeps no process from ending. */
export const systemWait: Wait = (ms, signal) =>
  sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);

type OnChange = (standing: Standing | undefined) => void;

/** A video that is watched. */
interface Watched {
  readonly listeners: Set<OnChange>;
  /** What was last told, as JSON. */
  seen: string | undefined;
  /** The newest event that was told of. */
  lastEvent: number;
}

interface RawStanding {
  readonly id: string;
  readonly status: VideoStatus;
  readonly last_event: number;
  readonly attempt: number;
  readonly progress: number;
  readonly progress_detail: Progress["detail"] | null;
}

export class Watchers {
  readonly #database: Database;
  readonly #wait: Wait;
  readonly #watched = new Map<string, Watched>();
  readonly #closed = new AbortController();
  #unlisten: Promise<() => Promise<void>> | undefined;
  #looking: Promise<void> | undefined;

  constructor(database: Database, wait: Wait) {
    this.#database = database;
    this.#wait = wait;
  }

  /** See `Jobs.watch`. */
  watch(id: string, onChange: OnChange): () => void {
    const watched = this.#watched.get(id) ?? {
      listeners: new Set<OnChange>(),
      seen: undefined,
      lastEvent: 0,
    };
    // Whoever comes later has to be told too.
    watched.seen = undefined;
    watched.listeners.add(onChange);
    this.#watched.set(id, watched);
    this.#unlisten ??= this.#listen();
    this.#looking ??= this.#run();
    return () => {
      watched.listeners.delete(onChange);
      if (watched.listeners.size === 0 && this.#watched.get(id) === watched) this.#watched.delete(id);
    };
  }

  /** Nobody is called any more. */
  async close(): Promise<void> {
    this.#closed.abort();
    this.#watched.clear();
    await this.#looking;
    await (await this.#unlisten)?.();
  }

  /** Without it a change is seen half a second later, which is no reason to fail. */
  #listen(): Promise<() => Promise<void>> {
    const onMessage = (changed: string) => {
      if (this.#watched.has(changed)) void this.#look([changed]);
    };
    return this.#database.listen(EVENT_CHANNEL, onMessage).catch(() => async () => {});
  }

  async #run(): Promise<void> {
    while (this.#watched.size > 0 && !this.#closed.signal.aborted) {
      await this.#look([...this.#watched.keys()]);
      await this.#wait(LOOK_MS, this.#closed.signal);
    }
    this.#looking = undefined;
  }

  /** A database that is away is no news for who watches: the next look will tell. */
  async #look(ids: readonly string[]): Promise<void> {
    const rows = await this.#database.query<RawStanding>(READ_STANDINGS, [ids]).catch(() => undefined);
    if (!rows) return;
    const standings = new Map(rows.map((row) => [row.id, standingOf(row)]));
    for (const id of ids) this.#tell(id, standings.get(id));
  }

  #tell(id: string, standing: Standing | undefined): void {
    const watched = this.#watched.get(id);
    const seen = JSON.stringify(standing ?? null);
    if (!watched || watched.seen === seen) return;
    // Of two looks at the same time, the one that began first may be answered last.
    if (standing && standing.lastEvent < watched.lastEvent) return;
    watched.seen = seen;
    watched.lastEvent = standing?.lastEvent ?? 0;
    for (const listener of watched.listeners) listener(standing);
  }
}

function standingOf({
  status,
  last_event,
  attempt,
  progress,
  progress_detail: detail,
}: RawStanding): Standing {
  return {
    status,
    lastEvent: last_event,
    attempt,
    progress: { percent: progress, ...(detail && { detail }) },
  };
}
