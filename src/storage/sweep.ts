/** Removes what crashed processes left of their writing. */

import { readdir, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { isMissing } from "./files.ts";

/** A file that nobody has written to for this long is nobody's; other processes may share the folder. */
export const ABANDONED_MS = 3_600_000;

/** @returns how many were removed */
export async function sweepTemporaries(folder: string, nowMs: number): Promise<number> {
  let swept = 0;
  for (const name of await readdir(folder)) {
    const file = path.join(folder, name);
    try {
      if (nowMs - (await stat(file)).mtimeMs < ABANDONED_MS) continue;
      await unlink(file);
      swept++;
    } catch (error) {
      // Another process was quicker.
      if (!isMissing(error)) throw error;
    }
  }
  return swept;
}
