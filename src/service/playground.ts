/** The page that a server serves at `/`. */

import path from "node:path";
import type { ApiOptions } from "../api/index.ts";
import type { ServerConfig } from "../config/index.ts";
import type { ObjectStore } from "../storage/index.ts";

/** Where it lies once it is built: in a checkout and in the package alike. */
export const PLAYGROUND_FOLDER = path.join(import.meta.dirname, "../../dist/playground");

/** Undefined where it is switched off. @throws MixcacheError `storage_failed` */
export async function playgroundOf(
  { playground, contentDelivery }: Pick<ServerConfig, "playground" | "contentDelivery">,
  store: ObjectStore,
): Promise<ApiOptions["playground"]> {
  if (!playground) return undefined;
  if (contentDelivery === "stream") return { folder: PLAYGROUND_FOLDER };
  // Downloads lead to the store, whose address its own URLs say best.
  const url = await store.signedUrl("playground", { expiresInSeconds: 60 });
  return { folder: PLAYGROUND_FOLDER, mediaOrigin: new URL(url).origin };
}
