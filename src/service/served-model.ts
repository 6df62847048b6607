/** The model that is served, as the API knows it: by its manifest alone. The worker checks everything else. */

import type { ServedModel } from "../api/index.ts";
import type { ServerConfig } from "../config/index.ts";
import { MANIFEST_FILE, parseManifest } from "../engine/bundle/read.ts";
import { MixcacheError } from "../errors.ts";
import { priceFor } from "../jobs/index.ts";
import { findPresets } from "../lab/presets.ts";
import type { Log } from "../logging.ts";
import { loadNodeCodecs } from "../media/index.ts";
import { EMBEDDED_PROFILES, FolderFiles } from "../node/index.ts";

/**
 * Reads the manifest.
 * @param formats what workers can encode
 * @throws MixcacheError `bundle_not_found`, `bundle_invalid`, `bundle_format_unknown`, `bundle_unreadable`
 */
export async function servedModel(
  folder: string,
  config: ServerConfig,
  log: Log,
  formats: ServedModel["formats"],
): Promise<ServedModel> {
  const files = new FolderFiles(folder);
  const [bytes, digest] = [await files.read(MANIFEST_FILE), await files.digest(MANIFEST_FILE)];
  if (!bytes || !digest)
    throw new MixcacheError(
      "bundle_not_found",
      `There is no ${MANIFEST_FILE} in ${files.location}. Set BUNDLE to the folder of a mixcache bundle.`,
    );
  const manifest = parseManifest(new TextDecoder().decode(bytes), files.location);
  return {
    id: manifest.id,
    manifest,
    digest: digest.sha256,
    price: priceFor(config.prices, manifest.id),
    formats,
    presets: await presets(digest.sha256, config, log),
  };
}

/** What the presets were measured to save; none where that can't be read, as only quotes are made from it. */
async function presets(
  digest: string,
  { engine }: ServerConfig,
  log: Log,
): Promise<ReadonlyMap<string, number>> {
  try {
    const found = await findPresets([engine.profiles, EMBEDDED_PROFILES], digest);
    return new Map(found?.presets.map(({ preset, computed_speedup }) => [preset, computed_speedup]));
  } catch (error) {
    log.warn({ error }, "the measured presets can't be read; quotes go without them");
    return new Map();
  }
}

/** What this machine can encode. */
export async function formatsHere(log: Log): Promise<ServedModel["formats"]> {
  try {
    await loadNodeCodecs();
    return ["mp4", "webp"];
  } catch (error) {
    log.warn({ error }, "videos are WebP only");
    return ["webp"];
  }
}
