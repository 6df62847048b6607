/**
 * Rules of a bucket: which pages may read it, and what it tidies up by itself. Ours are known by their ids; those that
 * others made stay as they are.
 */

import { isDeepStrictEqual } from "node:util";
import {
  type CORSRule,
  GetBucketCorsCommand,
  GetBucketLifecycleConfigurationCommand,
  type LifecycleRule,
  PutBucketCorsCommand,
  PutBucketLifecycleConfigurationCommand,
  S3ServiceException,
} from "@aws-sdk/client-s3";
import { s3Error } from "./s3-errors.ts";
import { callingClient, type S3Place } from "./s3-place.ts";

export interface BucketWish {
  /** Origins of pages that may read signed URLs, such as `https://app.example.com`; `*` for all. */
  readonly origins: readonly string[];
  /** Says what would change, and changes nothing. */
  readonly dryRun?: boolean;
}

/** What was changed, or would be with `dryRun`. */
export interface BucketChange {
  readonly cors: boolean;
  readonly lifecycle: boolean;
}

/** Where things lie that may go at any time; nothing of a video does. */
const TEMPORARY_PREFIX = "tmp/";

/**
 * Gives a bucket the rules that mixcache needs; a second time changes nothing.
 * @throws MixcacheError `storage_failed`
 */
export async function setUpBucket(place: S3Place, { origins, dryRun }: BucketWish): Promise<BucketChange> {
  const client = callingClient(place);
  const { bucket, prefix = "" } = place;
  try {
    const cors = await corsRules(client, bucket);
    const wishedCors = merged(cors, [corsRule(origins)]);
    const lifecycle = await lifecycleRules(client, bucket);
    const wishedLifecycle = merged(lifecycle, lifecycleOf(prefix));
    const change = { cors: !isSame(cors, wishedCors), lifecycle: !isSame(lifecycle, wishedLifecycle) };
    if (dryRun) return change;
    if (change.cors)
      await client.send(
        new PutBucketCorsCommand({ Bucket: bucket, CORSConfiguration: { CORSRules: wishedCors } }),
      );
    if (change.lifecycle)
      await client.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket: bucket,
          LifecycleConfiguration: { Rules: wishedLifecycle },
        }),
      );
    return change;
  } catch (error) {
    throw s3Error(`The bucket ${bucket}`, bucket, error);
  } finally {
    client.destroy();
  }
}

type Client = ReturnType<typeof callingClient>;

const OURS = "mixcache-";

function corsRule(origins: readonly string[]): CORSRule {
  return {
    ID: `${OURS}read`,
    AllowedOrigins: [...origins],
    AllowedMethods: ["GET"],
    AllowedHeaders: ["range"],
    ExposeHeaders: ["accept-ranges", "content-range", "content-length", "etag"],
    MaxAgeSeconds: 3600,
  };
}

function lifecycleOf(prefix: string): LifecycleRule[] {
  return [
    {
      ID: `${OURS}uploads`,
      Status: "Enabled",
      Filter: { Prefix: prefix },
      // What a process left that was killed; an upload takes minutes.
      AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 },
    },
    {
      ID: `${OURS}tmp`,
      Status: "Enabled",
      Filter: { Prefix: prefix + TEMPORARY_PREFIX },
      Expiration: { Days: 1 },
    },
  ];
}

/** The rules of others, then ours. */
function merged<Rule extends { ID?: string | undefined }>(
  present: readonly Rule[],
  ours: readonly Rule[],
): Rule[] {
  return [...present.filter(({ ID }) => !ID?.startsWith(OURS)), ...ours];
}

/** Whatever order a server gives rules and lists in, and whichever of the two names it has for a prefix. */
function isSame<Rule extends object>(one: readonly Rule[], other: readonly Rule[]): boolean {
  return isDeepStrictEqual(normal(one), normal(other));
}

function normal(rules: readonly object[]): string[] {
  const flat = rules.map((rule) => {
    const { Filter, Prefix, ...rest } = rule as LifecycleRule;
    const said = Object.entries({ ...rest, Prefix: Filter?.Prefix ?? Prefix });
    const known = said.filter(([, value]) => value !== undefined);
    const sorted = known.map(([name, value]) => [name, Array.isArray(value) ? value.toSorted() : value]);
    return JSON.stringify(sorted.toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1))).toLowerCase();
  });
  return flat.toSorted();
}

async function corsRules(client: Client, bucket: string): Promise<CORSRule[]> {
  try {
    return (await client.send(new GetBucketCorsCommand({ Bucket: bucket }))).CORSRules ?? [];
  } catch (error) {
    if (hasNone(error)) return [];
    throw error;
  }
}

async function lifecycleRules(client: Client, bucket: string): Promise<LifecycleRule[]> {
  try {
    return (await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }))).Rules ?? [];
  } catch (error) {
    if (hasNone(error)) return [];
    throw error;
  }
}

/** A bucket without rules says that it has none by an error. */
function hasNone(error: unknown): boolean {
  return error instanceof S3ServiceException && /^NoSuch(CORS|Lifecycle)Configuration$/i.test(error.name);
}
