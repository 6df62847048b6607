/** A server process: API, worker or both, wired together and taken apart again. */

import packageJson from "../../package.json" with { type: "json" };

import type { ServerConfig } from "../config/index.ts";
import type { Accounts } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { Metrics, startTracing } from "../telemetry/index.ts";
import { runJanitor, systemTimers } from "../worker/index.ts";
import { appOf } from "./app.ts";
import { bundlePlace } from "./bundle-place.ts";
import { accountsOf, openCore } from "./core.ts";
import { databaseLine, greeting } from "./greeting.ts";
import { startHttpServer } from "./http-server.ts";
import { serveMetrics } from "./metrics-server.ts";
import { loadModeration } from "./moderation.ts";
import { playgroundOf } from "./playground.ts";
import { readinessOf } from "./readiness.ts";
import { type OpenEngine, RunningWorker } from "./running-worker.ts";
import { formatsHere, servedModel } from "./served-model.ts";
import { checkInstallation, openStore, placeOf } from "./store.ts";
import { startWebhooks } from "./webhooks.ts";

export interface ServiceOptions {
  readonly config: ServerConfig;
  readonly log: Log;
  /** Tells a person something, a line at a time. */
  readonly say: (line: string) => void;
  /** Whether a worker ends when there is nothing to do. */
  readonly drain?: boolean;
  /** Replaces the engine, in tests. */
  readonly openEngine?: OpenEngine;
}

export interface Service {
  /** How clients reach the API; undefined for a worker alone. */
  readonly url: string | undefined;
  /** Resolves when the worker takes videos; at once where there is none. @throws MixcacheError where it never will */
  readonly ready: Promise<void>;
  /** Resolves when a worker that drains has nothing to do any more; never before it is ready. @throws as `Worker.run` */
  drained(): Promise<void>;
  /** Hands back what is under way and closes everything. */
  close(): Promise<void>;
}

/** Requests that are under way when the server is closed have this long. */
const HTTP_GRACE_MS = 2000;

/**
 * Starts what the role says.
 * @throws MixcacheError `invalid_argument`, `database_locked`, `database_unavailable`, `database_newer`,
 * `database_older`, `storage_failed`, and those of the bundle
 */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { config, log, say } = options;
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    say(`mixcache ${packageJson.version}, ROLE=${config.role}`);
    say(databaseLine(config));
    say(`Videos: ${placeOf(config)}.`);
    const folder = await bundlePlace(config, say);
    if (config.tracing) closers.push(await startTracing(config.tracing.serviceName));
    const moderate = await loadModeration(config);
    const model = await servedModel(folder, config, log, await formatsHere(log));
    const core = await openCore(config, log);
    closers.push(core.close);
    // Nobody else can have been at work on a database of one process.
    if (config.databaseUrl === undefined) await core.jobs.endAttempts();
    const metrics = new Metrics({ totals: core.reports.totals, nowMs: Date.now });
    const scraped = await serveMetrics(config, metrics);
    if (scraped) closers.push(() => scraped.close(0));
    const server =
      config.role === "worker" ? undefined : await startHttpServer({ ...config, random: Math.random });
    if (server) closers.push(() => server.close(HTTP_GRACE_MS));
    const url = config.publicUrl ?? `http://localhost:${server?.port ?? config.port}`;
    const opened = await openStore(config, url);
    const { store } = opened;
    await checkInstallation(core.database, store, placeOf(config));
    const stopped = new AbortController();
    const janitor = runJanitor(
      { jobs: core.jobs, store, timers: systemTimers, log, metrics },
      stopped.signal,
    );
    closers.push(async () => {
      stopped.abort();
      await janitor;
    });
    const worker =
      config.role === "api"
        ? undefined
        : new RunningWorker({
            ...options,
            jobs: core.jobs,
            fleet: core.fleet,
            store,
            bundle: folder,
            metrics,
            ...(moderate && { moderate }),
          });
    if (worker) closers.push(() => worker.close());
    if (server) {
      const accounts = await accountsOf(config, core.database);
      const { webhooks, close: stopSending } = await startWebhooks(config, core.jobs, log);
      closers.push(stopSending);
      const playground = await playgroundOf(config, store);
      const app = appOf(config, log, core, {
        ...opened,
        accounts,
        models: [model],
        webhooks,
        metrics,
        ...(moderate && { moderate }),
        ...(playground && { playground }),
        readiness: () => readinessOf(core, worker),
      });
      server.handle((request) => app.fetch(request));
      say(`Listening on ${url}`);
      for (const line of await greetingOf(accounts, url, config)) say(line);
    }
    const ready = worker ? worker.start() : Promise.resolve();
    return { url: server && url, ready, drained: () => ready.then(() => worker?.ended()), close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function greetingOf(accounts: Accounts, url: string, config: ServerConfig): Promise<readonly string[]> {
  const secret = await accounts.first();
  const [oldest] = await accounts.list({ limit: 1 });
  return greeting({ url, secret, accountId: oldest?.id }, config);
}
