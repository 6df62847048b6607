/**
 * Brings the schema `mixcache` to the version this program knows, or says why it can't be used as it is. Steps expand
 * unless they say that they contract: a program works with every database that has its own steps, and others that only
 * expanded it.
 */

import { createHash } from "node:crypto";
import { MixcacheError } from "../errors.ts";
import type { Database, Migration, Sql } from "./database-contract.ts";
import {
  APPLIED_MIGRATIONS,
  CREATE_MIGRATIONS,
  LOCK_MIGRATIONS,
  MIGRATIONS_TABLE,
  RECORD_MIGRATION,
} from "./sql/migrations.ts";

interface Applied {
  readonly id: string;
  readonly sha256: string;
  readonly contracts: boolean;
}

/**
 * Applies what is missing, all in one transaction. Any number of processes may do so at once.
 * @returns the ids that were applied
 * @throws MixcacheError `database_newer` where the database knows steps that exclude this program, or another form of a
 * step than this one
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<string[]> {
  return database.transaction(async (tx) => {
    await tx.query(LOCK_MIGRATIONS);
    await tx.query(CREATE_MIGRATIONS);
    const missing = missingOf(await tx.query<Applied>(APPLIED_MIGRATIONS), migrations);
    for (const migration of missing) await apply(tx, migration);
    return missing.map(({ id }) => id);
  });
}

/**
 * Changes nothing.
 * @throws MixcacheError `database_older` where steps are missing, `database_newer` as `migrate` does
 */
export async function checkSchema(database: Database, migrations: readonly Migration[]): Promise<void> {
  const [table] = await database.query<{ name: string | null }>(MIGRATIONS_TABLE);
  const applied = table?.name == null ? [] : await database.query<Applied>(APPLIED_MIGRATIONS);
  const missing = missingOf(applied, migrations);
  if (missing.length > 0) throw tooOld(`it lacks ${missing.map(({ id }) => id).join(", ")}`);
}

/** @param why in words, what it lacks */
export function tooOld(why: string): MixcacheError {
  return new MixcacheError(
    "database_older",
    `The database has not the schema of this version of mixcache: ${why}. Run mixcache migrate of this version, once, before anything else of it.`,
  );
}

async function apply(tx: Sql, migration: Migration): Promise<void> {
  await tx.query(migration.sql);
  await tx.query(RECORD_MIGRATION, [migration.id, digest(migration), migration.contracts ?? false]);
}

function missingOf(applied: readonly Applied[], migrations: readonly Migration[]): readonly Migration[] {
  for (const { id, sha256, contracts } of applied) {
    const known = migrations.find((one) => one.id === id);
    if (known ? digest(known) === sha256 : !contracts) continue;
    throw new MixcacheError(
      "database_newer",
      `The database was made by another version of mixcache (${id} is ${known ? "different" : "unknown"} here). Run that version or a newer one.`,
    );
  }
  return migrations.filter(({ id }) => !applied.some((one) => one.id === id));
}

/** Spaces don't count: they change when the source is formatted. */
function digest({ sql }: Migration): string {
  return createHash("sha256").update(sql.replace(/\s+/g, " ").trim()).digest("hex");
}
