/** PostgreSQL's own tools: pg_dump takes one snapshot while everything goes on; psql restores it whole or not at all. */

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";
import { environmentWith } from "../../config/index.ts";
import { MixcacheError } from "../../errors.ts";

/** Ours, and the queue's. */
const SCHEMAS = ["mixcache", "pgboss"];
const MOST_OF_WHAT_WAS_SAID = 500;

/** @throws MixcacheError `backup_failed` */
export async function dumpPostgres(url: string, file: string): Promise<void> {
  const schemas = SCHEMAS.map((name) => `--schema=${name}`);
  const flags = ["--format=custom", "--no-owner", "--no-privileges", ...schemas, `--file=${file}`];
  await start("pg_dump", flags, url).ended;
}

/**
 * In one transaction, in place of what is there.
 * @throws MixcacheError `backup_failed`; then the database is as it was
 */
export async function loadPostgres(url: string, file: string): Promise<void> {
  const drop = SCHEMAS.map((name) => `drop schema if exists ${name} cascade;`).join(" ");
  const reading = start("pg_restore", ["--no-owner", "--no-privileges", "--file=-", file]);
  const loading = start(
    "psql",
    [
      "--no-psqlrc",
      "--quiet",
      "--single-transaction",
      "--set=ON_ERROR_STOP=1",
      "--command",
      drop,
      "--file=-",
    ],
    url,
  );
  const { stdout } = reading.child;
  const { stdin } = loading.child;
  if (!stdout || !stdin) throw new MixcacheError("backup_failed", "The tools' pipes could not be opened.");
  // Where one of them ends early its own words say why, and the broken pipe does not. A text that was cut off is not to
  // be committed: the reader's end decides whether the other one gets an end at all.
  const piped = pipeline(stdout, stdin, { end: false }).catch(() => undefined);
  const read = reading.ended.then(
    async () => {
      await piped;
      stdin.end();
    },
    (error: unknown) => {
      loading.child.kill("SIGKILL");
      throw error;
    },
  );
  const [first, second] = await Promise.allSettled([read, loading.ended]);
  if (first.status === "rejected") throw first.reason;
  if (second.status === "rejected") throw second.reason;
}

interface Tool {
  readonly child: ChildProcess;
  /** @throws MixcacheError `backup_failed` */
  readonly ended: Promise<void>;
}

function start(name: string, flags: readonly string[], url?: string): Tool {
  const place = url === undefined ? undefined : withoutPassword(url);
  const child = spawn(name, [...flags, ...(place ? [`--dbname=${place.url}`] : [])], {
    stdio: ["pipe", "pipe", "pipe"],
    // A command line is everybody's to read, an environment its owner's.
    env: environmentWith({ ...(place?.password && { PGPASSWORD: place.password }) }),
  });
  child.stdin.on("error", () => {});
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk).slice(0, MOST_OF_WHAT_WAS_SAID);
  });
  // Nobody reads what psql says of each statement.
  if (name !== "pg_restore") child.stdout.resume();
  return { child, ended: ended(child, name, () => said) };
}

async function ended(child: ChildProcess, name: string, said: () => string): Promise<void> {
  let code: unknown;
  try {
    [code] = await once(child, "close");
  } catch (error) {
    throw new MixcacheError(
      "backup_failed",
      `${name} could not be started. Install PostgreSQL's client tools of the server's version or newer (Debian: postgresql-client).`,
      { cause: error },
    );
  }
  if (code !== 0)
    throw new MixcacheError("backup_failed", `${name} failed: ${said().trim() || `exit code ${code}`}`);
}

function withoutPassword(text: string): { url: string; password: string } {
  const url = new URL(text);
  const password = decodeURIComponent(url.password);
  url.password = "";
  return { url: url.href, password };
}
