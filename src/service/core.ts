/** What every process needs: the database with its schema, the jobs, the fleet, the accounts. */

import { randomBytes, randomUUID } from "node:crypto";
import path from "node:path";
import { presentVideo } from "../api/index.ts";
import type { ServerConfig } from "../config/index.ts";
import {
  type Accounts,
  bill,
  checkSchema,
  type Database,
  type Fleet,
  type Jobs,
  ledger,
  MIGRATIONS,
  makeIds,
  migrate,
  openAccounts,
  openDatabase,
  openFleet,
  openJobs,
  openReports,
  type Reports,
} from "../jobs/index.ts";
import type { Log } from "../logging.ts";
import { operatorKey } from "./operator-key.ts";

/** A worker that is silent for this many heartbeats has lost its video, and counts no more. */
const HEARTBEATS_PER_LEASE = 3;

export interface Core {
  readonly database: Database;
  readonly jobs: Jobs;
  readonly fleet: Fleet;
  readonly reports: Reports;
  close(): Promise<void>;
}

export interface CoreOptions {
  /** Whether the schema is brought up to date or has to be. Default: `schemaOf` the configuration. */
  readonly schema?: "make" | "check";
  /** Connections to PostgreSQL at most, where the configuration says nothing. */
  readonly connections?: number;
}

/** The database of one process is its own to migrate; where several share it, one command does so for all. */
function schemaOf({ databaseUrl, role }: ServerConfig): "make" | "check" {
  return databaseUrl === undefined || role === "all" ? "make" : "check";
}

/** Where the configuration has the database. @throws MixcacheError `database_locked`, `database_unavailable` */
export function databaseOf(
  { dataDir, databaseUrl, databaseConnections }: ServerConfig,
  otherwise?: number,
): Promise<Database> {
  if (databaseUrl === undefined) return openDatabase({ folder: databaseFolder(dataDir) });
  const connections = databaseConnections ?? otherwise;
  return openDatabase({ url: databaseUrl, ...(connections !== undefined && { connections }) });
}

/** PGlite's. */
export function databaseFolder(dataDir: string): string {
  return path.join(dataDir, "database");
}

/**
 * Opens all of it.
 * @throws MixcacheError `database_locked`, `database_unavailable`, `database_newer`, `database_older`, `storage_failed`
 */
export async function openCore(config: ServerConfig, log: Log, options: CoreOptions = {}): Promise<Core> {
  const { schema = schemaOf(config) } = options;
  const database = await databaseOf(config, options.connections);
  try {
    await (schema === "make" ? migrate : checkSchema)(database, MIGRATIONS);
    const { retentionDays, heartbeatSeconds } = config;
    const leaseSeconds = heartbeatSeconds * HEARTBEATS_PER_LEASE;
    const jobs = await openJobs({
      database,
      schema,
      ledger,
      bill,
      ids: idsOf(config),
      uuid: randomUUID,
      now: Date.now,
      present: (video) => presentVideo(video),
      ...(retentionDays !== undefined && { retentionDays }),
      lease: { leaseSeconds },
      onError: (error) => log.error({ error }, "the queue reported an error"),
    });
    const { maxWorkers, targetWaitSeconds, workerStartSeconds } = config.fleet;
    const fleet = openFleet(database, {
      max: maxWorkers,
      targetWaitSeconds,
      startSeconds: workerStartSeconds,
      silenceSeconds: leaseSeconds,
    });
    const close = async () => {
      await jobs.close();
      await database.close();
    };
    return { database, jobs, fleet, reports: openReports(database), close };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** The accounts, for who answers requests. @throws MixcacheError `storage_failed` */
export async function accountsOf(config: ServerConfig, database: Database): Promise<Accounts> {
  return openAccounts({
    database,
    ids: idsOf(config),
    cell: config.cell,
    now: () => new Date(),
    randomBytes,
    maxQueued: config.maxQueued,
    maxRunning: config.maxRunning,
    operatorKey: config.operatorKey ?? (await operatorKey(config.dataDir, config.cell)),
  });
}

function idsOf({ cell }: ServerConfig) {
  return makeIds({ cell, now: Date.now, random: Math.random });
}
