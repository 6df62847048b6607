/** The API of a process, over what it has opened. */

import packageJson from "../../package.json" with { type: "json" };
import { type ApiOptions, createApi, type EdgeOptions } from "../api/index.ts";
import type { ServerConfig } from "../config/index.ts";
import { spendProof } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { systemTimers } from "../worker/index.ts";
import type { Core } from "./core.ts";
import type { OpenStore } from "./store.ts";

/** What differs between processes that serve the API. */
export type AppParts = Pick<
  ApiOptions,
  "accounts" | "models" | "webhooks" | "metrics" | "moderate" | "readiness" | "playground"
> &
  OpenStore;

export function appOf(
  config: ServerConfig,
  log: Log,
  { database, jobs, reports, fleet }: Core,
  parts: AppParts,
) {
  return createApi({
    jobs,
    reports,
    ...parts,
    scale: fleet.scale,
    currency: config.currency,
    version: packageJson.version,
    now: () => new Date(),
    random: Math.random,
    wait: systemTimers.wait,
    streams: { process: config.maxStreams, account: config.maxStreamsPerAccount },
    log,
    delivery: config.contentDelivery,
    ...(config.edgeSecret !== undefined && { edge: edgeOf(config.edgeSecret, config.cell, database) }),
    ...(config.internalToken !== undefined && { internalToken: config.internalToken }),
  });
}

function edgeOf(secrets: string, cell: string, database: Core["database"]): EdgeOptions {
  return { secrets, cell, spend: (nonce) => spendProof(database, nonce, new Date()) };
}
