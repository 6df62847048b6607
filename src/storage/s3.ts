/** A bucket as an `ObjectStore`: Amazon's S3, and what speaks its protocol. */

import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { invalid, MixcacheError } from "../errors.ts";
import type {
  ByteRange,
  ObjectBody,
  ObjectInfo,
  ObjectPage,
  ObjectStore,
  PutOptions,
  SignedUrlOptions,
  StoredObject,
  Written,
} from "./contract.ts";
import { checkKey, checkPrefix, isKey } from "./keys.ts";
import { isAbsent, isOutOfRange, s3Error } from "./s3-errors.ts";
import { callingClient, type S3Place, signingClient } from "./s3-place.ts";
import { type Target, write, writeIf } from "./s3-write.ts";
import { dispositionOf } from "./serve.ts";
import { grantFor } from "./signing.ts";

export interface S3StoreOptions extends S3Place {
  /** Unix time in milliseconds; signed URLs are dated by it. */
  readonly now?: () => number;
}

/** A bucket, or a prefix in one. Any number of processes may share it. S3 is asked nothing until it is used. */
export class S3Store implements ObjectStore {
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #client: S3Client;
  readonly #signer: S3Client;
  readonly #now: () => number;

  constructor(options: S3StoreOptions) {
    this.#bucket = options.bucket;
    this.#prefix = options.prefix ?? "";
    this.#client = callingClient(options);
    this.#signer = signingClient(options);
    this.#now = options.now ?? Date.now;
  }

  async put(key: string, body: ObjectBody, { sha256 }: PutOptions = {}): Promise<Written> {
    return write(this.#target(key), body, sha256);
  }

  async putIfAbsent(
    key: string,
    body: ObjectBody,
    { sha256 }: PutOptions = {},
  ): Promise<Written | undefined> {
    return writeIf(this.#target(key), body, { isAbsent: true }, sha256);
  }

  async putIf(
    key: string,
    body: ObjectBody,
    etag: string,
    { sha256 }: PutOptions = {},
  ): Promise<Written | undefined> {
    return writeIf(this.#target(key), body, { etag }, sha256);
  }

  async get(key: string, { range }: { readonly range?: ByteRange } = {}): Promise<StoredObject | undefined> {
    const { bucket, key: name } = this.#target(key);
    const { first, last } = range ?? {};
    if (
      range &&
      !(Number.isInteger(first) && Number.isInteger(last) && 0 <= range.first && range.first <= range.last)
    )
      outside(key, range);
    try {
      const command = new GetObjectCommand({
        Bucket: bucket,
        Key: name,
        ...(range && { Range: `bytes=${first}-${last}` }),
      });
      const { Body, ContentRange, ...rest } = await this.#client.send(command);
      if (!Body) throw new MixcacheError("storage_failed", `S3 answered without the bytes of ${key}.`);
      const body: ReadableStream<Uint8Array> = Body.transformToWebStream();
      if (!range) return { ...infoOf(key, rest), body };
      const total = Number(ContentRange?.split("/")[1]);
      if (!(range.last < total)) {
        await body.cancel();
        outside(key, range);
      }
      return { ...infoOf(key, { ...rest, ContentLength: total }), body };
    } catch (error) {
      if (isAbsent(error)) return undefined;
      if (range && isOutOfRange(error)) outside(key, range);
      throw s3Error(key, bucket, error);
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    const { bucket, key: name } = this.#target(key);
    try {
      return infoOf(key, await this.#client.send(new HeadObjectCommand({ Bucket: bucket, Key: name })));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw s3Error(key, bucket, error);
    }
  }

  async delete(key: string): Promise<void> {
    const { bucket, key: name } = this.#target(key);
    try {
      await this.#client.send(new DeleteObjectCommand({ Bucket: bucket, Key: name }));
    } catch (error) {
      throw s3Error(key, bucket, error);
    }
  }

  async list(prefix: string, cursor?: string): Promise<ObjectPage> {
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: this.#prefix + checkPrefix(prefix),
      ...(cursor !== undefined && { StartAfter: this.#prefix + cursor }),
    });
    try {
      const { Contents = [], IsTruncated } = await this.#client.send(command);
      const listed = Contents.map(({ Key = "", Size = 0, LastModified = new Date(0) }) => ({
        key: Key.slice(this.#prefix.length),
        bytes: Size,
        modifiedAt: LastModified,
      }));
      const last = listed.at(-1)?.key;
      return {
        // What others put there, such as markers of folders, is no object of ours.
        objects: listed.filter(({ key }) => isKey(key)),
        ...(IsTruncated && last !== undefined && { cursor: last }),
      };
    } catch (error) {
      throw s3Error(`${prefix || "The list"}`, this.#bucket, error);
    }
  }

  async signedUrl(key: string, options: SignedUrlOptions): Promise<string> {
    const nowMs = this.#now();
    const { filename, contentType } = grantFor(key, options, nowMs);
    const expiresIn = Math.floor(options.expiresInSeconds);
    const { bucket, key: name } = this.#target(key);
    const command = new GetObjectCommand({
      Bucket: bucket,
      Key: name,
      ResponseCacheControl: `private, max-age=${expiresIn}`,
      ...(filename !== undefined && { ResponseContentDisposition: dispositionOf(filename) }),
      ...(contentType !== undefined && { ResponseContentType: contentType }),
    });
    try {
      return await getSignedUrl(this.#signer, command, { expiresIn, signingDate: new Date(nowMs) });
    } catch (error) {
      throw s3Error(key, bucket, error);
    }
  }

  /** @throws MixcacheError `invalid_argument` */
  #target(key: string): Target {
    return { client: this.#client, bucket: this.#bucket, key: this.#prefix + checkKey(key) };
  }
}

interface Described {
  readonly ContentLength?: number | undefined;
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
}

function infoOf(
  key: string,
  { ContentLength = 0, ETag = '""', LastModified = new Date(0) }: Described,
): ObjectInfo {
  return { key, bytes: ContentLength, etag: ETag, modifiedAt: LastModified };
}

function outside(key: string, { first, last }: ByteRange): never {
  invalid("range", `The range ${first}–${last} is not within the bytes of ${key}.`);
}
