/** What the fuzz and its server say to each other. */

/** The server is there. */
export interface FuzzReady {
  readonly origin: string;
  readonly operatorKey: string;
  /** Of an account with unlimited credit, which has a finished video. */
  readonly account: { readonly id: string; readonly key: string; readonly video: string };
}

/** How often each status was answered, by method and route. */
export type Histogram = Readonly<Record<string, Readonly<Record<string, number>>>>;

/** Asks for what was answered so far, or has a fresh account made for a request that ends one. */
export type FuzzQuestion = { readonly ask: "histogram" } | { readonly ask: "account" };

export interface FuzzCounts {
  readonly histogram: Histogram;
  /** The first answers of 5xx, in words. */
  readonly faults: readonly string[];
}
