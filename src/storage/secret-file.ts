/** A secret in a file: made once, readable for its owner only. */

import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, unlink } from "node:fs/promises";
import path from "node:path";
import { MixcacheError } from "../errors.ts";
import { codeOf, isMissing, storageError, syncFolder } from "./files.ts";

/**
 * The secret of a file, made if there is none. Processes that start at once agree on one.
 * @param make gives a new one, which has the form
 * @throws MixcacheError `storage_failed` where the file holds something else, or can't be read or written
 */
export async function secretFile(file: string, make: () => string, form: RegExp): Promise<string> {
  try {
    await mkdir(path.dirname(file), { recursive: true });
    const known = await read(file, form);
    if (known !== undefined) return known;
    await write(file, make());
    const made = await read(file, form);
    if (made !== undefined) return made;
  } catch (error) {
    throw storageError(file, error);
  }
  throw new MixcacheError("storage_failed", `${file} disappeared while it was made. Start again.`);
}

async function write(file: string, secret: string): Promise<void> {
  const temporary = `${file}.${randomBytes(8).toString("hex")}`;
  try {
    const handle = await open(temporary, "wx", 0o600);
    try {
      await handle.writeFile(`${secret}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    // Unlike rename, link leaves what another process made meanwhile.
    await link(temporary, file).catch((error: unknown) => {
      if (codeOf(error) !== "EEXIST") throw error;
    });
    await syncFolder(path.dirname(file));
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
}

async function read(file: string, form: RegExp): Promise<string | undefined> {
  let text: string;
  try {
    text = (await readFile(file, "utf8")).trim();
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
  if (!form.test(text))
    throw new MixcacheError(
      "storage_failed",
      `${file} doesn't hold what it is for. Put it back from a backup, or delete it: another one is made.`,
    );
  return text;
}
