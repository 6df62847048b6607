/** Where a bundle's files come from: a folder, an S3 prefix, a web server. */

export interface FileDigest {
  readonly bytes: number;
  /** Lower-case hexadecimal. */
  readonly sha256: string;
}

/** Read access to a bundle. Paths are the manifest's: forward slashes, relative to the bundle. */
export interface BundleFiles {
  /** For messages: the folder or address as the user gave it. */
  readonly location: string;
  /** The bytes of a file, or undefined where there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Size and digest of a file without holding it in memory, or undefined where there is none. */
  digest(path: string): Promise<FileDigest | undefined>;
}
