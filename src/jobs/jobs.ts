/** Puts the steps of a video's life together. */

import { CANCEL_CHANNEL, cancel, remove } from "./cancel.ts";
import type { Jobs } from "./contract.ts";
import { type Core, type JobsOptions, timeOf, videoOfAccount } from "./core.ts";
import { creator } from "./create.ts";
import { allVideos, erase, stopAll } from "./erase.ts";
import { eventOf, eventsAfter } from "./events.ts";
import { type LeaseOptions, Queue } from "./queue.ts";
import { keptFiles, list, Places } from "./read.ts";
import { handBack, settle } from "./settle.ts";
import { MARK_PURGED, PURGEABLE } from "./sql/videos.ts";
import { Sweeper } from "./sweep.ts";
import { check, heartbeat, take } from "./take.ts";
import { WORKER_LOST } from "./transitions.ts";
import { systemWait, Watchers } from "./watchers.ts";
import { openWebhookJobs } from "./webhooks.ts";

/** Half a minute of silence ends an attempt, six hours end any. */
export const DEFAULT_LEASE: LeaseOptions = { leaseSeconds: 30, attemptSeconds: 6 * 3_600, monitorSeconds: 5 };

/**
 * Opens the jobs on a migrated database.
 * @throws MixcacheError `database_older`, and the database's errors
 */
export async function openJobs({
  lease: given,
  schema = "make",
  onError,
  wait,
  ...rest
}: JobsOptions): Promise<Jobs> {
  const { database } = rest;
  const lease = { ...DEFAULT_LEASE, ...given };
  const queue = await Queue.start(database, lease, onError ?? (() => {}), schema);
  const listeners = new Set<() => void>();
  const core: Core = {
    ...rest,
    queue,
    lease,
    announce: () => {
      for (const listener of listeners) listener();
    },
  };
  const sweeper = new Sweeper(core);
  const places = new Places(core);
  const watchers = new Watchers(database, wait ?? systemWait);
  return {
    create: creator(core),
    get: (accountId, id) => videoOfAccount(database, accountId, id),
    list: (wish) => list(core, wish),
    places: (ids) => places.of(ids),
    cancel: (accountId, id) => cancel(core, accountId, id),
    delete: (accountId, id) => remove(core, accountId, id),
    purgeable: async (limit) =>
      (await database.query<{ id: string }>(PURGEABLE, [limit, timeOf(core)])).map(({ id }) => id),
    purged: async (ids) => {
      await database.query(MARK_PURGED, [[...ids], timeOf(core)]);
    },
    keptFiles: (ids) => keptFiles(core, ids),
    stopAll: (accountId) => stopAll(core, accountId),
    allVideos: (accountId) => allVideos(core, accountId),
    erase: (accountId, videos) => erase(core, accountId, videos),
    take: () => take(core),
    heartbeat: (taken, progress, events) => heartbeat(core, taken, progress, events),
    check: (taken) => check(core, taken),
    settle: (taken, outcome, events) => settle(core, taken, outcome, events),
    handBack: (taken, events) => handBack(core, taken, events),
    events: (id, after, limit) => eventsAfter(database, id, after, limit),
    event: (id, sequence) => eventOf(database, id, sequence),
    watch: (id, onChange) => watchers.watch(id, onChange),
    sweep: () => sweeper.sweep(),
    endAttempts: async () => {
      await queue.failActive(database, WORKER_LOST);
      return sweeper.sweep();
    },
    onWork: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onCancel: (listener) => database.listen(CANCEL_CHANNEL, listener),
    webhooks: openWebhookJobs(core),
    close: async () => {
      await watchers.close();
      await queue.stop();
    },
  };
}
