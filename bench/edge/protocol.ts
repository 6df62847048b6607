/** What the bench and the cell's process say to each other. */

/** A cell that is ready. */
export interface Ready {
  readonly origin: string;
  /** Of an account with unlimited credit. */
  readonly key: string;
  /** One more account's, which is revoked. */
  readonly revokedKey: string;
}

/** What came to the cell since it was asked last. */
export interface Seen {
  /** Requests to anything but `/internal/`. */
  readonly publicRequests: number;
  /** Questions for keys: the key's hash, and when, in milliseconds since 1970. */
  readonly lookUps: readonly { readonly hash: string; readonly atMs: number }[];
  /** Of the process, until now. */
  readonly cpuMs: number;
}
