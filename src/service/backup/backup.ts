/** `backup` and `restore`: the database and the keys that belong to it. Videos have a store, with versions of its own. */

import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import packageJson from "../../../package.json" with { type: "json" };
import type { ServerConfig } from "../../config/index.ts";
import { MixcacheError, messageOf } from "../../errors.ts";
import { dumpFolder, isInUse, loadFolder } from "../../jobs/index.ts";
import { databaseFolder, databaseOf } from "../core.ts";
import { operatorKeyFile } from "../operator-key.ts";
import { webhookKeyFile } from "../webhooks.ts";
import { DATABASE_FILE, readPage, writePage } from "./contents.ts";
import { dumpPostgres, loadPostgres } from "./postgres.ts";

/**
 * Makes a backup. PostgreSQL may be in use; PGlite's server has to be stopped.
 * @param folder new or empty
 * @throws MixcacheError `backup_failed`, `output_unwritable`, `database_locked`, `database_unavailable`
 */
export async function backup(config: ServerConfig, folder: string): Promise<void> {
  await makeEmpty(folder);
  const { databaseUrl, dataDir } = config;
  const kind = databaseUrl === undefined ? "pglite" : "postgres";
  const file = path.join(folder, DATABASE_FILE[kind]);
  if (databaseUrl === undefined) await writeFile(file, await dumpFolder(databaseFolder(dataDir)));
  else await dumpPostgres(databaseUrl, file);
  for (const key of keyFiles(config)) await copyIfThere(key, path.join(folder, path.basename(key)));
  await writePage(folder, {
    format: "mixcache.backup/1",
    version: packageJson.version,
    made_at: new Date().toISOString(),
    database: kind,
  });
}

/**
 * Puts a backup back, whole or not at all. Nothing of the installation may be running.
 * @param force whether a database that is in use is replaced
 * @throws MixcacheError `backup_invalid`, `database_not_empty`, `backup_failed`, `database_locked`,
 * `database_unavailable`
 */
export async function restore(config: ServerConfig, folder: string, force: boolean): Promise<void> {
  const { database: kind } = await readPage(folder);
  const { databaseUrl, dataDir } = config;
  if (kind !== (databaseUrl === undefined ? "pglite" : "postgres"))
    throw new MixcacheError(
      "backup_invalid",
      kind === "postgres"
        ? `${folder} is a backup of a PostgreSQL. Set DATABASE_URL to one.`
        : `${folder} is a backup of a PGlite, and DATABASE_URL is set. Leave it out.`,
    );
  const file = path.join(folder, DATABASE_FILE[kind]);
  if (databaseUrl === undefined) {
    const bytes = await readFile(file).catch((error: unknown) => {
      throw new MixcacheError("backup_invalid", `${file} can't be read (${messageOf(error)}).`);
    });
    await loadFolder(databaseFolder(dataDir), bytes, force);
  } else {
    await refuseInUse(config, force);
    await loadPostgres(databaseUrl, file);
  }
  for (const key of keyFiles(config)) {
    await mkdir(path.dirname(key), { recursive: true });
    await copyIfThere(path.join(folder, path.basename(key)), key);
  }
}

async function refuseInUse(config: ServerConfig, force: boolean): Promise<void> {
  const database = await databaseOf(config);
  const inUse = await isInUse(database).finally(() => database.close());
  if (!inUse || force) return;
  throw new MixcacheError(
    "database_not_empty",
    "The database that DATABASE_URL names has accounts. Name an empty one, or add --force to replace all of it.",
  );
}

/** Those that the configuration doesn't give. */
function keyFiles({ operatorKey, webhooks, dataDir }: ServerConfig): readonly string[] {
  return [
    ...(operatorKey === undefined ? [operatorKeyFile(dataDir)] : []),
    ...(webhooks.key ? [] : [webhookKeyFile(dataDir)]),
  ];
}

/** With its mode: for its owner only. */
async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    await copyFile(from, to);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}

async function makeEmpty(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await readdir(folder)).length === 0) return;
  } catch (error) {
    throw new MixcacheError("output_unwritable", `${folder} can't be made (${messageOf(error)}).`, {
      cause: error,
    });
  }
  throw new MixcacheError("output_unwritable", `${folder} is not empty. Name a folder that isn't there yet.`);
}
