/** What a backup is: a folder with the database, the keys that belong to it, and a page that says what it is. */

import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { MixcacheError } from "../../errors.ts";

const PAGE = "backup.json";

const pageSchema = z.object({
  format: z.literal("mixcache.backup/1"),
  /** Of mixcache. */
  version: z.string(),
  made_at: z.iso.datetime(),
  database: z.enum(["postgres", "pglite"]),
});

export type BackupPage = z.infer<typeof pageSchema>;

/** The database's file in a backup: pg_dump's custom format, or a gzipped tar of PGlite's folder. */
export const DATABASE_FILE = { postgres: "database.dump", pglite: "database.tar.gz" } as const;

/** Written last: a folder that has it is whole. */
export async function writePage(folder: string, page: BackupPage): Promise<void> {
  await writeFile(path.join(folder, PAGE), `${JSON.stringify(page, null, 2)}\n`);
}

/** @throws MixcacheError `backup_invalid` */
export async function readPage(folder: string): Promise<BackupPage> {
  const text = await readFile(path.join(folder, PAGE), "utf8").catch(() => undefined);
  const parsed = pageSchema.safeParse(text === undefined ? undefined : parse(text));
  if (parsed.success) return parsed.data;
  throw new MixcacheError(
    "backup_invalid",
    `${folder} is no whole backup: its ${PAGE} ${text === undefined ? "is missing" : "can't be read"}. Name a folder that mixcache backup has made.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
