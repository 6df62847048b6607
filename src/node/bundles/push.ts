/** A bundle from a folder into a store; what is there already is not sent again. */

import { createReadStream } from "node:fs";
import { MANIFEST_FILE, readBundle } from "../../engine/bundle/read.ts";
import { MixcacheError } from "../../errors.ts";
import { FolderFiles } from "../bundle-folder.ts";
import { type BundleObjects, fileKey, manifestKey } from "./objects.ts";
import { inParallel } from "./parallel.ts";

/** What a push did. */
export interface Pushed {
  readonly digest: string;
  readonly title: string;
  readonly sent: { readonly files: number; readonly bytes: number };
  /** Were there already. */
  readonly skipped: { readonly files: number; readonly bytes: number };
}

/**
 * Checks a bundle and puts it into the store: its files, then its manifest, so that a bundle is whole or not there. A
 * push that was cut off goes on with the files that are missing.
 * @param onFile called after each file, with the bytes that are done of all
 * @throws MixcacheError of the bundle or the store
 */
export async function pushBundle(
  folder: string,
  objects: BundleObjects,
  onFile: (doneBytes: number, totalBytes: number) => void = () => {},
): Promise<Pushed> {
  const files = new FolderFiles(folder);
  const { manifest, digest } = await readBundle(files);
  // Two names of one content are one object.
  const unique = new Map(
    Object.entries(manifest.files).map(([file, entry]) => [entry.sha256, { file, ...entry }]),
  );
  const total = [...unique.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  const [sent, skipped] = [
    { files: 0, bytes: 0 },
    { files: 0, bytes: 0 },
  ];
  await inParallel([...unique.values()], async ({ file, bytes, sha256 }) => {
    const isThere = (await objects.store.head(fileKey(sha256)))?.bytes === bytes;
    if (!isThere) await objects.store.put(fileKey(sha256), createReadStream(files.pathOf(file)), { sha256 });
    const counted = isThere ? skipped : sent;
    counted.files++;
    counted.bytes += bytes;
    onFile(sent.bytes + skipped.bytes, total);
  });
  const bytes = await files.read(MANIFEST_FILE);
  if (!bytes)
    throw new MixcacheError(
      "bundle_not_found",
      `${MANIFEST_FILE} in ${folder} is gone. Copy the bundle again.`,
    );
  await objects.store.put(manifestKey(digest), bytes, { sha256: digest });
  return { digest, title: manifest.title, sent, skipped };
}
