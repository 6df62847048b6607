/** Buckets of the S3 server that `runSuites` has started; without it the tests that need one are skipped. */

import { randomBytes } from "node:crypto";
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import type { S3Place } from "../../src/storage/index.ts";
import type { S3Server } from "./rgw.ts";

/** Where `runSuites` says that its server is: `{"endpoint","accessKeyId","secretAccessKey","configFile"}`. */
const given = process.env.MIXCACHE_TEST_S3;

/** Why there is none; undefined where there is one. */
export const noS3 =
  given === undefined
    ? "no S3 server: npm run test:s3 and test:e2e install Debian's radosgw, ceph-mon, ceph-osd and ceph-common and start one"
    : undefined;

/** The name of a suite, with the reason where it is skipped. */
export function s3Suite(name: string): string {
  return noS3 === undefined ? name : `${name} (${noS3})`;
}

/** Whether streams are of their full size; `npm run test:s3 -- --quick` takes smaller ones. */
export const isQuick = process.env.MIXCACHE_TEST_S3_QUICK === "1";

/** The server. @throws Error where there is none */
export function s3Server(): Omit<S3Server, "version" | "stop"> {
  if (given === undefined) throw new Error(noS3);
  return JSON.parse(given);
}

/** A bucket of one's own. */
export interface TestBucket {
  readonly place: S3Place & { readonly endpoint: string };
  /** A client that does what it is told. */
  readonly client: S3Client;
  /** The bucket itself goes with its server, whose disk is its memory. */
  close(): void;
}

/** Makes an empty bucket. */
export async function testBucket(
  server: Pick<S3Server, "endpoint" | "accessKeyId" | "secretAccessKey"> = s3Server(),
): Promise<TestBucket> {
  const { endpoint, accessKeyId, secretAccessKey } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const bucket = `mixcache-${randomBytes(6).toString("hex")}`;
  const client = new S3Client({ endpoint, region: "us-east-1", forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    place: { bucket, endpoint, pathStyle: true, credentials },
    client,
    close: () => client.destroy(),
  };
}

/** Every key of a bucket, as the server lists them. */
export async function keysIn(client: S3Client, bucket: string): Promise<string[]> {
  const keys: string[] = [];
  for (;;) {
    const after = keys.at(-1);
    const command = new ListObjectsV2Command({ Bucket: bucket, ...(after && { StartAfter: after }) });
    const { Contents = [], IsTruncated } = await client.send(command);
    keys.push(...Contents.map(({ Key = "" }) => Key));
    if (!IsTruncated) return keys;
  }
}
