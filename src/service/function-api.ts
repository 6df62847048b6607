/** The API as a function: without a worker, without timers of its own, and never migrating. A tick does the rest. */

import type { ServerConfig } from "../config/index.ts";
import type { Log } from "../logging.ts";
import { appOf } from "./app.ts";
import { bundlePlace } from "./bundle-place.ts";
import { accountsOf, openCore } from "./core.ts";
import { loadModeration } from "./moderation.ts";
import { readinessOf } from "./readiness.ts";
import { servedModel } from "./served-model.ts";
import { checkInstallation, openStore, placeOf } from "./store.ts";
import { openWebhooksOf } from "./webhooks.ts";

/** Many instances share a database; each answers one request at a time, or few. */
const CONNECTIONS = 2;

/**
 * Opens the API for many requests to come.
 * @throws MixcacheError `database_older`, `database_newer`, `database_unavailable`, `installation_mismatch`, those of
 * the bundle's manifest and of the store
 */
export async function openFunctionApi(config: ServerConfig, log: Log) {
  const folder = await bundlePlace(config, (line) => log.info({}, line));
  const moderate = await loadModeration(config);
  // It makes no videos and has no codecs: its workers have.
  const model = await servedModel(folder, config, log, ["mp4", "webp"]);
  const core = await openCore(config, log, { schema: "check", connections: CONNECTIONS });
  try {
    const opened = await openStore(config, config.publicUrl ?? "");
    await checkInstallation(core.database, opened.store, placeOf(config));
    const app = appOf(config, log, core, {
      ...opened,
      accounts: await accountsOf(config, core.database),
      models: [model],
      webhooks: await openWebhooksOf(config, core.jobs),
      ...(moderate && { moderate }),
      readiness: () => readinessOf(core),
    });
    return { app, close: core.close };
  } catch (error) {
    await core.close();
    throw error;
  }
}
