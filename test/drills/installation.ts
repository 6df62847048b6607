/** An installation of several processes on one PostgreSQL and one folder of videos, for drills. */

import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readServerConfig, type ServerConfig } from "../../src/config/index.ts";
import { type Database, openDatabase } from "../../src/jobs/index.ts";
import type { Log } from "../../src/logging.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { type Serving, watched } from "../support/serving.ts";

export const SILENT: Log = { debug() {}, info() {}, warn() {}, error() {} };

export interface Installation {
  readonly postgres: Postgres;
  readonly url: string;
  readonly database: Database;
  /** The folder of the videos, as the oracle takes it. */
  readonly store: string;
  /** The environment of each of its processes. */
  readonly env: Readonly<Record<string, string>>;
  config(role: ServerConfig["role"], more?: Readonly<Record<string, string>>): ServerConfig;
  /** A process of it; ended with it. */
  start(args: readonly string[], more?: StartOptions): Serving;
  close(): Promise<void>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Every FLOP shows in the bill, as the oracle of the chaos drills wants it. */
const PRICES = JSON.stringify({ "*": { unit: "tflop", micros: "1000000" } });

export async function openInstallation(): Promise<Installation> {
  const postgres = await startPostgres();
  const url = await postgres.database();
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-installation-"));
  const database = await openDatabase({ url, connections: 2 });
  const env = {
    DATABASE_URL: url,
    DATA_DIR: folder,
    PRICES,
    PORT: "0",
    THREADS: "1",
    OPERATOR_KEY: "the-operators-own-key-of-32-characters",
  };
  const running: Serving[] = [];
  return {
    postgres,
    url,
    database,
    store: path.join(folder, "objects"),
    env,
    config: (role, more) => readServerConfig({ ...env, ...more }, role),
    start: (args, { env: more, cwd } = {}) => {
      const child = spawn(process.execPath, args, {
        env: { ...process.env, ...env, ...more },
        stdio: ["ignore", "pipe", "pipe"],
        ...(cwd !== undefined && { cwd }),
      });
      const one = watched(child);
      running.push(one);
      return one;
    },
    close: async () => {
      for (const { process: child } of running) child.kill("SIGKILL");
      await Promise.all(running.map(({ exit }) => exit));
      await database.close();
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
