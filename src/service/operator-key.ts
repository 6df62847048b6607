/** The operator's key, where the configuration has none: made on the first start, for the owner of DATA_DIR only. */

import { randomBytes } from "node:crypto";
import path from "node:path";
import { newKey } from "../jobs/index.ts";
import { secretFile } from "../storage/index.ts";

/** Where it is kept. */
export function operatorKeyFile(dataDir: string): string {
  return path.join(dataDir, "operator-key");
}

/** @throws MixcacheError `storage_failed` */
export function operatorKey(dataDir: string, cell: string): Promise<string> {
  return secretFile(
    operatorKeyFile(dataDir),
    () => newKey(randomBytes, cell).secret,
    /^mx_[a-z0-9]?[a-z2-7]{47}$/,
  );
}
