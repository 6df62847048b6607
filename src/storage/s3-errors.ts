/** What S3 and the way to it said, as sentences. */

import { S3ServiceException } from "@aws-sdk/client-s3";
import { MixcacheError, messageOf } from "../errors.ts";

/** True where there is no such object. */
export function isAbsent(error: unknown): boolean {
  return error instanceof S3ServiceException && (error.name === "NotFound" || error.name === "NoSuchKey");
}

/** True where a condition of a write did not hold. */
export function isRefusedByCondition(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;
}

/** True where another conditional write was under way; S3 asks to try again. */
export function isConflict(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 409;
}

/**
 * True where it isn't known what became of a conditional write: another was under way, and S3 asks to try again; or the
 * server failed over it, as Ceph 16 does with 500 for those that lose a race.
 */
export function isUndecided(error: unknown): boolean {
  return isConflict(error) || (error instanceof S3ServiceException && error.$fault === "server");
}

/** True where the range lies outside of the object. */
export function isOutOfRange(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 416;
}

const FULL = new Set(["QuotaExceeded", "StorageFull", "InsufficientStorage", "XMinioStorageFull"]);

/**
 * An error of S3 as one of ours; what is ours already stays as it is.
 * @param what the object's key or the bucket
 */
export function s3Error(what: string, bucket: string, error: unknown): unknown {
  if (error instanceof MixcacheError) return error;
  const name = error instanceof Error ? error.name : "";
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  if (FULL.has(name) || status === 507)
    return new MixcacheError("storage_full", `There is no room left for ${what} in the bucket ${bucket}.`, {
      cause: error,
    });
  return new MixcacheError(
    "storage_failed",
    `${what} could not be read or written: ${reasonOf(bucket, name, status, error)}`,
    {
      cause: error,
    },
  );
}

function reasonOf(bucket: string, name: string, status: number | undefined, error: unknown): string {
  if (name === "NoSuchBucket") return `there is no bucket ${bucket}. Make it, or mend S3_BUCKET.`;
  if (name === "CredentialsProviderError")
    return "there are no credentials. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give the machine a role.";
  if (status === 403)
    return `S3 refused these credentials (${name}). Check the key and its policy, see docs/storage.md.`;
  if (status === 301 || name === "PermanentRedirect")
    return `the bucket ${bucket} is in another region. Mend S3_REGION.`;
  return `${name || "an error"}, ${messageOf(error)}. Check S3_ENDPOINT and the bucket ${bucket}.`;
}
