/** Where videos are kept: a bucket or a folder, and whether it is this installation's own. */

import { randomUUID } from "node:crypto";
import path from "node:path";
import { z } from "zod";
import type { ApiOptions } from "../api/index.ts";
import type { ServerConfig } from "../config/index.ts";
import { MixcacheError } from "../errors.ts";
import { type Database, installationOf } from "../jobs/index.ts";
import { FolderStore, OBJECTS_PATH, type ObjectStore, S3Store, signedFiles } from "../storage/index.ts";

export interface OpenStore {
  readonly store: ObjectStore;
  /** Answers the store's signed URLs, where nobody else does. */
  readonly files?: NonNullable<ApiOptions["files"]>;
}

type StoreConfig = Pick<ServerConfig, "s3" | "dataDir" | "signingKey">;

/**
 * Opens the store of videos. A bucket is asked nothing yet.
 * @param publicUrl where a folder's signed URLs are served
 * @throws MixcacheError `storage_failed`, `storage_full`
 */
export async function openStore(
  { s3, dataDir, signingKey }: StoreConfig,
  publicUrl: string,
): Promise<OpenStore> {
  if (s3) return { store: new S3Store(s3) };
  const folder = path.join(dataDir, "objects");
  const store = await FolderStore.open({ folder, publicUrl, ...(signingKey && { signingKey }) });
  return { store, files: { path: OBJECTS_PATH, serve: signedFiles(store) } };
}

/** In words, where videos are: "the folder …" or "the bucket …". */
export function placeOf({ s3, dataDir }: StoreConfig): string {
  if (!s3) return `the folder ${path.join(dataDir, "objects")}`;
  const { bucket, prefix, endpoint } = s3;
  const place = prefix === undefined ? bucket : `${bucket}/${prefix}`;
  return `the bucket ${place} on ${endpoint === undefined ? "Amazon S3" : new URL(endpoint).host}`;
}

const KEY = "installation.json";
const markSchema = z.object({ format: z.literal("mixcache.installation/1"), id: z.string().min(1) });

/**
 * Holds the mark in the store against the one in the database, and makes both where there is none. So nobody sweeps,
 * expires or deletes what another installation's database knows.
 * @throws MixcacheError `installation_mismatch`, `storage_failed`, `storage_full`
 */
export async function checkInstallation(
  database: Database,
  store: ObjectStore,
  where: string,
): Promise<void> {
  const id = await installationOf(database, randomUUID());
  const mark = { format: "mixcache.installation/1", id };
  await store.putIfAbsent(KEY, new TextEncoder().encode(`${JSON.stringify(mark)}\n`));
  const object = await store.get(KEY);
  const found = markSchema.safeParse(object && (await readJson(object.body)));
  if (found.success && found.data.id === id) return;
  const whose = found.success
    ? `belongs to the installation ${found.data.id}`
    : `holds an ${KEY} that can't be read`;
  throw new MixcacheError(
    "installation_mismatch",
    `${where.replace(/^t/, "T")} ${whose}, this database to ${id}. Use the database and the store that belong together, or another S3_BUCKET or S3_PREFIX. Only where no other database knows these videos, delete ${KEY} from the store.`,
  );
}

async function readJson(body: ReadableStream<Uint8Array>): Promise<unknown> {
  try {
    return JSON.parse(await new Response(body).text());
  } catch {
    return undefined;
  }
}
