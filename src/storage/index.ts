/** Where videos are kept: what the rest of the program uses of this folder. */

export type {
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
export { FolderStore, type FolderStoreOptions } from "./folder.ts";
export { contentTypeOf } from "./keys.ts";
export { removeAll } from "./remove-all.ts";
export { S3Store, type S3StoreOptions } from "./s3.ts";
export type { S3Checksums, S3Place } from "./s3-place.ts";
export { type BucketChange, type BucketWish, setUpBucket } from "./s3-rules.ts";
export { secretFile } from "./secret-file.ts";
export { type ServeOptions, serveObject } from "./serve.ts";
export { signedFiles } from "./signed-files.ts";
export { OBJECTS_PATH } from "./signing.ts";
