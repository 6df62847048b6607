/**
 * Writing to S3. What is small goes in one request; the rest in parts that only become an object when all are there,
 * and are given up when the body fails. A condition belongs to the one request that makes the object visible.
 */

import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { setTimeout } from "node:timers/promises";
import {
  HeadObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import type { ObjectBody, Written } from "./contract.ts";
import { contentTypeOf } from "./keys.ts";
import { CountedBody, type Head, joined, readHead } from "./s3-body.ts";
import { isAbsent, isConflict, isRefusedByCondition, isUndecided, s3Error } from "./s3-errors.ts";

/** Where and how an object is written. */
export interface Target {
  readonly client: S3Client;
  readonly bucket: string;
  /** As the bucket has it, with its prefix. */
  readonly key: string;
}

/** What has to hold for the write: nothing is there, or this is. */
export type Condition = { readonly isAbsent: true } | { readonly etag: string };

const PART_BYTES = 8 * 2 ** 20;
/** Memory of one upload: this many parts. */
const PARTS_AT_ONCE = 2;
/**
 * Conditional writes are one request up to this size, since older servers, such as Ceph 16, heed no condition on
 * parts. Above it only a server like AWS's tells one winner.
 */
const CONDITIONAL_BYTES = 64 * 2 ** 20;
/** Of conditional writes that meet one another. */
const CONDITIONAL_TRIES = 5;
/** Before the second try, at most; each further one may wait twice as long. */
const BETWEEN_TRIES_MS = 50;

/** @throws what the body throws; MixcacheError `storage_digest_mismatch`, `storage_full`, `storage_failed` */
export async function write(target: Target, body: ObjectBody, expected?: string): Promise<Written> {
  const counted = new CountedBody(body, expected);
  await failingAsTheBody(target, counted, async () => {
    const head = await readHead(counted.chunks(), PART_BYTES);
    await (head.rest
      ? upload(target, head, {})
      : target.client.send(new PutObjectCommand(whole(target, head))));
  });
  return counted.written;
}

/**
 * Undefined where the condition does not hold.
 * @throws what the body throws; MixcacheError `storage_digest_mismatch`, `storage_full`, `storage_failed`
 */
export async function writeIf(
  target: Target,
  body: ObjectBody,
  condition: Condition,
  expected?: string,
): Promise<Written | undefined> {
  const counted = new CountedBody(body, expected);
  const isWritten = await failingAsTheBody(target, counted, async () => {
    const head = await readHead(counted.chunks(), CONDITIONAL_BYTES);
    const params = conditionParams(condition);
    if (!head.rest) return putOnce(target, { ...whole(target, head), ...params });
    try {
      await upload(target, head, params);
      return true;
    } catch (error) {
      if (isRefusedByCondition(error) || isConflict(error)) return false;
      throw error;
    }
  });
  return isWritten ? counted.written : undefined;
}

function whole({ bucket, key }: Target, { bytes }: Head): PutObjectCommandInput {
  return { Bucket: bucket, Key: key, Body: bytes, ContentType: contentTypeOf(key) };
}

async function upload(
  { client, bucket, key }: Target,
  head: Head,
  params: Partial<PutObjectCommandInput>,
): Promise<void> {
  const source = Readable.from(joined(head), { objectMode: false, highWaterMark: PART_BYTES });
  await new Upload({
    client,
    params: { Bucket: bucket, Key: key, Body: source, ContentType: contentTypeOf(key), ...params },
    partSize: PART_BYTES,
    queueSize: PARTS_AT_ONCE,
  }).done();
}

function conditionParams(condition: Condition): Partial<PutObjectCommandInput> {
  // Ceph compares the ETag without quotes; AWS and others take it either way.
  return "etag" in condition ? { IfMatch: condition.etag.replaceAll('"', "") } : { IfNoneMatch: "*" };
}

/** One request under a condition. @returns whether the condition held */
async function putOnce(target: Target, params: PutObjectCommandInput): Promise<boolean> {
  const nonce = randomBytes(16).toString("hex");
  for (let attempt = 1; ; attempt++) {
    try {
      await target.client.send(new PutObjectCommand({ ...params, Metadata: { write: nonce } }));
      return true;
    } catch (error) {
      // Where the first answer was lost and the request sent again, it is our own write that stands in the way.
      if (isRefusedByCondition(error)) return isOurs(target, nonce);
      if (!isUndecided(error) || attempt === CONDITIONAL_TRIES) throw error;
      // At random, so that those that met don't meet again.
      await setTimeout(Math.random() * BETWEEN_TRIES_MS * 2 ** (attempt - 1));
    }
  }
}

async function isOurs({ client, bucket, key }: Target, nonce: string): Promise<boolean> {
  try {
    const { Metadata } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }));
    return Metadata?.write === nonce;
  } catch (error) {
    if (isAbsent(error)) return false;
    throw error;
  }
}

/** What the body threw is thrown as it is, and not as what became of it on the way. */
async function failingAsTheBody<T>(
  { bucket, key }: Target,
  body: CountedBody,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw body.failure ? body.failure.error : s3Error(key, bucket, error);
  }
}
