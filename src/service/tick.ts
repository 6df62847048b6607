/** One tick: mends what crashes left, starts the workers that are missing, sends what is due. */

import { randomUUID } from "node:crypto";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { environmentWith, type ServerConfig } from "../config/index.ts";
import type { Fleet, Scale } from "../jobs/index.ts";
import { type Launcher, openLauncher, WORKER_ID } from "../launch/index.ts";
import type { Log } from "../logging.ts";
import { systemTimers, tidy } from "../worker/index.ts";
import { openCore } from "./core.ts";
import { checkInstallation, openStore, placeOf } from "./store.ts";
import { openSender } from "./webhooks.ts";

export interface Ticked {
  /** As it was after what was missing had been asked for. */
  readonly scale: Scale;
  /** Workers that a platform was asked for. */
  readonly started: number;
}

export interface TickOptions {
  /** Replaces the one that the configuration names, in tests. */
  readonly launcher?: Launcher;
}

/** A tick a minute, with time left to end before the next. */
const SENDING_MS = 40_000;
/** Requests to a platform at a time. */
const LAUNCHED_AT_ONCE = 8;
/** Besides the one connection that a transaction has, one for what goes on meanwhile. */
const CONNECTIONS = 2;

/**
 * Any number may run at once. Each part is done whatever becomes of the others.
 * @throws MixcacheError `database_older`, `database_newer`, `database_unavailable`, `installation_mismatch`,
 * `launch_failed`, those of the store: the first of them, after everything else was done
 */
export async function tick(config: ServerConfig, log: Log, options: TickOptions = {}): Promise<Ticked> {
  const core = await openCore(config, log, { schema: "check", connections: CONNECTIONS });
  try {
    const { store } = await openStore(config, config.publicUrl ?? "http://localhost");
    await checkInstallation(core.database, store, placeOf(config));
    const failures: unknown[] = [];
    const part = async <T>(work: () => Promise<T>) => {
      try {
        return await work();
      } catch (error) {
        failures.push(error);
        return undefined;
      }
    };
    await part(() => tidy({ jobs: core.jobs, store, log }));
    const launcher = options.launcher ?? launcherOf(config);
    const started = launcher && (await part(() => startMissing(core.fleet, launcher, log)));
    const sender = await openSender(config, core.jobs, log);
    await part(() => sendDue(sender));
    const scale = await core.fleet.scale();
    const { oldestSeconds: oldest_seconds, queued, busy } = scale;
    // Alarms read these numbers off the log.
    log.info({ oldest_seconds, queued, busy, started: started ?? 0 }, "ticked");
    if (failures.length > 0) throw failures[0];
    return { scale, started: started ?? 0 };
  } finally {
    await core.close();
  }
}

/**
 * Asks for every worker that is missing.
 * @returns how many
 * @throws MixcacheError `launch_failed`, after all were asked for; those that failed are missing again
 */
export async function startMissing(fleet: Fleet, launcher: Launcher, log: Log): Promise<number> {
  const waiting = [...(await fleet.expect(randomUUID))];
  const failures: unknown[] = [];
  let started = 0;
  const next = async () => {
    for (let worker = waiting.pop(); worker !== undefined; worker = waiting.pop()) {
      try {
        const reference = await launcher.launch(worker);
        started += 1;
        log.info({ worker, reference }, "a worker was asked for");
      } catch (error) {
        failures.push(error);
        await fleet.giveUp(worker);
      }
    }
  };
  await Promise.all(Array.from({ length: LAUNCHED_AT_ONCE }, next));
  if (failures.length > 0) throw failures[0];
  return started;
}

function launcherOf({ fleet: { launcher } }: ServerConfig): Launcher | undefined {
  if (!launcher) return undefined;
  // The file of the command line: .ts when run from source, .js in the published package.
  const main = path.join(import.meta.dirname, `../cli/main${path.extname(fileURLToPath(import.meta.url))}`);
  return openLauncher(launcher, {
    command: [process.execPath, main],
    // The port belongs to the process that this configuration was made for.
    environment: (id) => environmentWith({ [WORKER_ID]: id, METRICS_PORT: undefined }),
  });
}

/** Sends until nothing is due, or it takes too long: what is under way then is given back. */
async function sendDue(sender: Awaited<ReturnType<typeof openSender>>): Promise<void> {
  const done = new AbortController();
  const settled = sender.settle().finally(() => done.abort());
  try {
    await Promise.race([settled, systemTimers.wait(SENDING_MS, done.signal)]);
  } finally {
    await sender.stop();
  }
  await settled;
}
