/** One of many processes does a thing: whoever makes a file first. */

import { createHash } from "node:crypto";
import { open, stat, unlink } from "node:fs/promises";
import path from "node:path";
import { codeOf } from "./files.ts";
import { ABANDONED_MS } from "./sweep.ts";

/**
 * Does the work where nobody else is at it; undefined where somebody is. A claim that a crash left is void after an
 * hour, as every temporary file is.
 * @param folder of temporary files
 * @param what the thing, in words of any kind
 */
export async function claimed<T>(
  folder: string,
  what: string,
  nowMs: number,
  work: () => Promise<T>,
): Promise<T | undefined> {
  const file = path.join(folder, `claim-${createHash("sha256").update(what).digest("hex")}`);
  try {
    await (await open(file, "wx", 0o600)).close();
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
    const claim = await stat(file).catch(() => undefined);
    if (claim && nowMs - claim.mtimeMs >= ABANDONED_MS) await unlink(file).catch(() => undefined);
    return undefined;
  }
  try {
    return await work();
  } finally {
    await unlink(file).catch(() => undefined);
  }
}
