/** What a caller says about caching. */

/** A policy by name, with its options beside it: `{ policy: "teacache", threshold: 0.1 }`. */
export interface CacheRequest {
  readonly policy: string;
  readonly [option: string]: unknown;
}
