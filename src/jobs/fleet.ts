/** How many workers there are, how many there should be, and who asks platforms for those that are missing. */

import type { Database, Sql } from "./database-contract.ts";
import * as sql from "./sql/workers.ts";

/** By what the number of workers goes. */
export interface FleetPolicy {
  /** At most so many workers. */
  readonly max: number;
  /** How long what waits may take to be made: more workers are started where those at work would need longer. */
  readonly targetWaitSeconds: number;
  /** A worker that a platform was asked for and that gave no sign of life for so long counts no more. */
  readonly startSeconds: number;
  /** Nor does one that fell silent for so long. */
  readonly silenceSeconds: number;
}

/** The number of workers and what it is made of. */
export interface Scale {
  /** `min(max, busy + min(startable, ceil(backlogGpuSeconds / targetWaitSeconds)))`. */
  readonly desired: number;
  /** Of those, what neither works, waits for work nor is starting: what is to be started now. */
  readonly missing: number;
  /** Videos that are being made, each by one worker. */
  readonly busy: number;
  /** Workers that wait for work. */
  readonly idle: number;
  /** Workers that were asked for or load their model. */
  readonly starting: number;
  readonly queued: number;
  /** Of the queued ones, those that no account's `max_running` holds back. */
  readonly startable: number;
  /** How long one GPU would make what is queued. */
  readonly backlogGpuSeconds: number;
  /** For how long the oldest of them has waited since it was asked for; 0 where none waits. */
  readonly oldestSeconds: number;
  readonly targetWaitSeconds: number;
  readonly max: number;
}

/** A worker's own word, by the id that it has. */
export interface Presence {
  /** It lives. @param ready whether it takes videos */
  alive(ready: boolean): Promise<void>;
  /** It takes nothing more. */
  gone(): Promise<void>;
}

export interface Fleet {
  presence(workerId: string): Presence;
  scale(): Promise<Scale>;
  /**
   * Counts so many as starting as are missing, one caller at a time, so that callers at once start no surplus.
   * @param fresh an id that nobody has, each time it is called
   * @returns the ids of those that are to be started
   */
  expect(fresh: () => string): Promise<readonly string[]>;
  /** One of them could not be started. */
  giveUp(workerId: string): Promise<void>;
}

interface Row {
  readonly queued: number;
  readonly busy: number;
  readonly startable: number;
  readonly backlog_seconds: number;
  readonly oldest_seconds: number;
  readonly starting: number;
  readonly ready: number;
}

/** On a database that has the schema. */
export function openFleet(database: Database, policy: FleetPolicy): Fleet {
  const forget = async (id: string) => {
    await database.query(sql.FORGET_WORKER, [id]);
  };
  return {
    presence: (id) => ({
      alive: async (ready) => {
        await database.query(sql.SIGN_OF_LIFE, [id, ready]);
      },
      gone: () => forget(id),
    }),
    scale: () => scaleOf(database, policy),
    expect: (fresh) =>
      database.transaction(async (tx) => {
        await tx.query(sql.LOCK_FLEET);
        await tx.query(sql.FORGET_DEAD_WORKERS, limitsOf(policy));
        const { missing } = await scaleOf(tx, policy);
        const ids = Array.from({ length: missing }, fresh);
        if (missing > 0) await tx.query(sql.EXPECT_WORKERS, [ids]);
        return ids;
      }),
    giveUp: forget,
  };
}

async function scaleOf(on: Sql, policy: FleetPolicy): Promise<Scale> {
  const { max, targetWaitSeconds } = policy;
  // A video of which nothing is known counts as much as a worker may have before it.
  const [row] = await on.query<Row>(sql.FLEET, [...limitsOf(policy), targetWaitSeconds]);
  const { queued = 0, busy = 0, startable = 0, starting = 0, ready = 0 } = row ?? {};
  const { backlog_seconds = 0, oldest_seconds = 0 } = row ?? {};
  const idle = Math.max(0, ready - busy);
  const needed = Math.min(startable, Math.ceil(backlog_seconds / targetWaitSeconds));
  const desired = Math.min(max, busy + needed);
  return {
    desired,
    missing: Math.max(0, desired - busy - idle - starting),
    busy,
    idle,
    starting,
    queued,
    startable,
    backlogGpuSeconds: backlog_seconds,
    oldestSeconds: oldest_seconds,
    targetWaitSeconds,
    max,
  };
}

function limitsOf({ silenceSeconds, startSeconds }: FleetPolicy): readonly number[] {
  return [silenceSeconds, startSeconds];
}
