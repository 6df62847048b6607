/** The webhooks of a process that serves the API: what accounts do with them, and who sends. */

import { randomBytes } from "node:crypto";
import path from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import type { ServerConfig } from "../config/index.ts";
import type { Jobs } from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { secretFile } from "../storage/index.ts";
import { openWebhooks, systemResolve, WebhookSender, type Webhooks } from "../webhooks/index.ts";
import { systemTimers } from "../worker/index.ts";

const KEY_BYTES = 32;

export interface RunningWebhooks {
  readonly webhooks: Webhooks;
  /** Takes nothing new, and gives back what is under way. */
  close(): Promise<void>;
}

/** @throws MixcacheError `storage_failed` where the key's file can't be read or made */
export async function startWebhooks(config: ServerConfig, jobs: Jobs, log: Log): Promise<RunningWebhooks> {
  const sender = await openSender(config, jobs, log);
  sender.start();
  return { webhooks: await openWebhooksOf(config, jobs), close: () => sender.stop() };
}

/** Who sends, not yet sending. @throws MixcacheError `storage_failed` */
export async function openSender(config: ServerConfig, jobs: Jobs, log: Log): Promise<WebhookSender> {
  return new WebhookSender({
    jobs: jobs.webhooks,
    key: await keyOf(config),
    send: { policy: policyOf(config), resolve: systemResolve },
    timers: systemTimers,
    random: Math.random,
    log,
    version: packageJson.version,
  });
}

/** What accounts do with their webhooks. @throws MixcacheError `storage_failed` */
export async function openWebhooksOf(config: ServerConfig, jobs: Jobs): Promise<Webhooks> {
  const now = () => new Date();
  const key = await keyOf(config);
  return openWebhooks({ jobs: jobs.webhooks, key, policy: policyOf(config), randomBytes, now });
}

function policyOf({ webhooks: { allowHttp, allowPrivate } }: ServerConfig) {
  return { allowHttp, allowPrivate };
}

/** Where the configuration has none, it is made on the first start, for the owner of DATA_DIR only. */
async function keyOf({ webhooks, dataDir }: ServerConfig): Promise<Uint8Array> {
  if (webhooks.key) return webhooks.key;
  const make = () => randomBytes(KEY_BYTES).toString("hex");
  return Buffer.from(await secretFile(webhookKeyFile(dataDir), make, /^[0-9a-f]{64}$/), "hex");
}

/** Where it is kept. */
export function webhookKeyFile(dataDir: string): string {
  return path.join(dataDir, "webhook-key");
}
