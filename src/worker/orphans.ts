/**
 * Files that no video has: of attempts that were lost, of videos that a restored database never heard of. They are
 * deleted only when they are older than any backup that may be restored, since only then nobody can come back for
 * them.
 */

import { type Jobs, type KeptFiles, VIDEOS, videoIdOf } from "../jobs/index.ts";
import type { ObjectPage, ObjectStore } from "../storage/index.ts";

export interface OrphanOptions {
  readonly jobs: Pick<Jobs, "keptFiles">;
  readonly store: ObjectStore;
  /** Younger files are left alone: their videos may be in a backup that is yet to be restored. */
  readonly windowDays: number;
  /** Unix time in milliseconds. */
  readonly nowMs: number;
  /** Counts what would be deleted, and deletes nothing. */
  readonly dryRun?: boolean;
  /** Without it a run deletes one file in a hundred at most. */
  readonly force?: boolean;
  /** Called for every orphan that is deleted, or would be. */
  readonly onOrphan?: (key: string) => void;
}

/** What a sweep found. */
export interface OrphansSwept {
  /** Files of videos that were looked at. */
  readonly files: number;
  /** Files that no video has, of any age. */
  readonly orphans: number;
  /** Those of them that are too young to be deleted. */
  readonly young: number;
  /** Deleted; with `dryRun`, what would have been. */
  readonly deleted: number;
  readonly deletedBytes: number;
  /** Old enough, and left for want of `force`. */
  readonly left: number;
}

/** One file in this many, at most, where nobody forces it. */
const FILES_FOR_ONE = 100;
const DAY_MS = 86_400_000;

type Listed = ObjectPage["objects"][number];

/** Looks at every file of every video, and deletes orphans. @throws MixcacheError of the store or the database */
export async function sweepOrphans(options: OrphanOptions): Promise<OrphansSwept> {
  const found = await findOrphans(options);
  const chosen = options.force ? found.old : found.old.slice(0, Math.floor(found.files / FILES_FOR_ONE));
  let deletedBytes = 0;
  for (const { key, bytes } of chosen) {
    if (!options.dryRun) await options.store.delete(key);
    deletedBytes += bytes;
    options.onOrphan?.(key);
  }
  return {
    files: found.files,
    orphans: found.old.length + found.young,
    young: found.young,
    deleted: chosen.length,
    deletedBytes,
    left: found.old.length - chosen.length,
  };
}

interface Found {
  readonly files: number;
  readonly young: number;
  readonly old: readonly Listed[];
}

async function findOrphans({ jobs, store, windowDays, nowMs }: OrphanOptions): Promise<Found> {
  const youngFrom = nowMs - windowDays * DAY_MS;
  const old: Listed[] = [];
  let [files, young] = [0, 0];
  let cursor: string | undefined;
  do {
    const page: ObjectPage = await store.list(VIDEOS, cursor);
    const ids = [...new Set(page.objects.map(({ key }) => videoIdOf(key)))];
    const kept = await jobs.keptFiles(ids);
    files += page.objects.length;
    for (const object of page.objects.filter(({ key }) => !isKept(kept.get(videoIdOf(key)), key))) {
      if (object.modifiedAt.getTime() > youngFrom) young++;
      else old.push(object);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return { files, young, old };
}

function isKept(kept: KeptFiles | undefined, key: string): boolean {
  return kept === "all" || (kept?.has(key) ?? false);
}
