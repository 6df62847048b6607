/** Where a server keeps videos, and for how long. */

import type { S3Place } from "../storage/s3-place.ts";
import { refuse } from "./environment.ts";
import type { Variables } from "./variables/index.ts";

/** Where videos are, how they are delivered and how long they stay. */
export interface StorageConfig {
  /** Undefined: videos are in a folder of `dataDir`. */
  readonly s3?: S3Place;
  readonly contentDelivery: "redirect" | "stream";
  /** Undefined: for ever. */
  readonly retentionDays?: number;
  readonly orphanWindowDays: number;
}

type StorageVariables = Pick<
  Variables,
  Extract<keyof Variables, `S3_${string}`> | "CONTENT_DELIVERY" | "RETENTION_DAYS" | "ORPHAN_WINDOW_DAYS"
>;

/** @throws MixcacheError `invalid_argument` for an endpoint without a bucket */
export function storageConfig(given: StorageVariables): StorageConfig {
  const s3 = s3Config(given);
  return {
    ...(s3 && { s3 }),
    contentDelivery: given.CONTENT_DELIVERY ?? (s3 ? "redirect" : "stream"),
    ...(given.RETENTION_DAYS !== undefined && { retentionDays: given.RETENTION_DAYS }),
    orphanWindowDays: given.ORPHAN_WINDOW_DAYS,
  };
}

function s3Config(given: StorageVariables): S3Place | undefined {
  const { S3_BUCKET, S3_ENDPOINT, S3_PUBLIC_ENDPOINT, S3_REGION, S3_PREFIX, S3_CHECKSUMS } = given;
  if (S3_BUCKET === undefined) {
    if (S3_ENDPOINT !== undefined)
      refuse(
        "S3_BUCKET",
        "S3_ENDPOINT is set and S3_BUCKET is not. Set S3_BUCKET to the bucket of the videos.",
      );
    return undefined;
  }
  return {
    bucket: S3_BUCKET,
    ...(S3_ENDPOINT !== undefined && { endpoint: S3_ENDPOINT }),
    ...(S3_PUBLIC_ENDPOINT !== undefined && { publicEndpoint: S3_PUBLIC_ENDPOINT }),
    ...(S3_REGION !== undefined && { region: S3_REGION }),
    pathStyle: given.S3_PATH_STYLE,
    ...(S3_PREFIX !== undefined && { prefix: S3_PREFIX }),
    ...(S3_CHECKSUMS !== undefined && { checksums: S3_CHECKSUMS }),
  };
}
