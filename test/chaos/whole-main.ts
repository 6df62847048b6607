/** The whole service in one process on PGlite: asks for videos, makes them, sweeps. Tells every acknowledged id. */

import { writeSync } from "node:fs";
import { systemTimers, Worker } from "../../src/worker/index.ts";
import { StubEngine } from "../support/stub-engine.ts";
import { given, sleep } from "./processes.ts";
import { ACCOUNTS, openAccounts, openWorld, type Place, SILENT, wishOf } from "./world.ts";

export interface WholeGiven {
  readonly place: Place;
  /** Asks for nothing more, and ends when nothing waits or runs any more. */
  readonly last: boolean;
}

const WAITING = 10;
const EVERY_MS = 100;

if (import.meta.main) {
  const { place, last } = given<WholeGiven>();
  const world = await openWorld(place);
  const { database, jobs, store } = world;
  await openAccounts(database);
  const engine = new StubEngine({ stepMs: 20 });
  const worker = new Worker({ jobs, engine, store, timers: systemTimers, log: SILENT, random: Math.random });
  await worker.load();
  process.send?.("ready");
  const running = worker.run();
  for (let round = 0; ; round++) {
    const [{ waiting, live } = { waiting: 0, live: 0 }] = await database.query<{
      waiting: number;
      live: number;
    }>(
      "select (count(*) filter (where status = 'queued'))::integer as waiting, (count(*) filter (where cost is null))::integer as live from mixcache.videos",
    );
    if (last && live === 0) break;
    for (let count = waiting; !last && count < WAITING; count++) {
      const { video } = await jobs.create(
        wishOf(ACCOUNTS[round % ACCOUNTS.length] ?? ACCOUNTS[0], `video ${round}`),
      );
      // At once, past every buffer: who reads it may rely on it.
      writeSync(1, `${video.id}\n`);
      if ((round + count) % 7 === 0) await jobs.cancel(video.accountId, video.id);
    }
    await jobs.sweep();
    await sleep(EVERY_MS);
  }
  worker.stop();
  await running;
  await world.close();
  process.exit();
}
