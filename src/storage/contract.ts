/**
 * Where results are kept: the contract that the folder store and the S3 store fulfil alike, held by
 * `test/contract/object-store.ts`.
 */

/** Bytes at once, or as they come: a web stream or a Node one is an async iterable too. */
export type ObjectBody = Uint8Array | AsyncIterable<Uint8Array>;

/** A stretch of an object: both ends are byte offsets that belong to it, and lie within the object. */
export interface ByteRange {
  readonly first: number;
  readonly last: number;
}

/** What is known of an object without reading it. */
export interface ObjectInfo {
  readonly key: string;
  readonly bytes: number;
  /** Changes whenever the object is written anew; quoted, as HTTP has it. */
  readonly etag: string;
  readonly modifiedAt: Date;
}

/** An object that is being read. Whoever asks for one reads its body or cancels it. */
export interface StoredObject extends ObjectInfo {
  /** The whole, or the range that was asked for. */
  readonly body: ReadableStream<Uint8Array>;
}

/** What was written. */
export interface Written {
  readonly bytes: number;
  /** SHA-256 of the bytes, in lower-case hexadecimal. */
  readonly sha256: string;
}

export interface PutOptions {
  /** What the bytes have to be; others are refused, and nothing is kept. Lower-case hexadecimal. */
  readonly sha256?: string;
}

export interface ObjectPage {
  /** In the order of their keys' bytes. */
  readonly objects: readonly Pick<ObjectInfo, "key" | "bytes" | "modifiedAt">[];
  /** Gives the next page; absent after the last one. */
  readonly cursor?: string;
}

export interface SignedUrlOptions {
  readonly expiresInSeconds: number;
  /** What a browser calls the file; without it the file is shown and not saved. */
  readonly filename?: string;
  /** Goes before the type that the key's ending says. */
  readonly contentType?: string;
}

/**
 * Keeps objects under keys (see `checkKey`). An object appears whole or not at all, and once `put` has resolved it
 * survives a crash. Its content type is what its key's ending says (`contentTypeOf`), so that no store has to keep it.
 *
 * Every method throws MixcacheError `invalid_argument` for a key that is none, `storage_full` and `storage_failed`.
 */
export interface ObjectStore {
  /**
   * Writes an object, replacing one that is there.
   * @throws MixcacheError `storage_digest_mismatch`
   */
  put(key: string, body: ObjectBody, options?: PutOptions): Promise<Written>;
  /**
   * Writes an object where there is none: of many at once, one wins. Undefined where there was one.
   * @throws MixcacheError `storage_digest_mismatch`
   */
  putIfAbsent(key: string, body: ObjectBody, options?: PutOptions): Promise<Written | undefined>;
  /**
   * Writes an object in place of the one that has this ETag: of many at once that read the same one, one wins.
   * Undefined where that one is not there any more. What `put` and `delete` do meanwhile is not guarded against.
   * @param etag as `get` or `head` gave it
   * @throws MixcacheError `storage_digest_mismatch`
   */
  putIf(key: string, body: ObjectBody, etag: string, options?: PutOptions): Promise<Written | undefined>;
  /**
   * Reads an object, or undefined where there is none.
   * @throws MixcacheError `invalid_argument` for a range that does not lie within the object
   */
  get(key: string, options?: { readonly range?: ByteRange }): Promise<StoredObject | undefined>;
  head(key: string): Promise<ObjectInfo | undefined>;
  /** Removes an object; one that isn't there is no error. */
  delete(key: string): Promise<void>;
  /** The objects whose keys begin with the prefix, up to 1,000 a page. */
  list(prefix: string, cursor?: string): Promise<ObjectPage>;
  /** A URL by which anybody can GET the object until it expires. Whether the object exists is not checked. */
  signedUrl(key: string, options: SignedUrlOptions): Promise<string>;
}
