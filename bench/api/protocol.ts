/** What the bench and the server that it measures say to each other. */

/** Where the server keeps its tables. */
export type Place = { readonly folder: string } | { readonly url: string };

/** What the server is asked; each is answered. */
export type Question =
  /** Sends of pg-boss alone, on connections of its own, without HTTP and without anything of ours. */
  | { readonly ask: "bare"; readonly seconds: number; readonly atOnce: number }
  /** Takes and settles everything from now on, as a worker does whose engine and store cost nothing. */
  | { readonly ask: "work" }
  | { readonly ask: "usage" }
  | { readonly ask: "stop" };

export interface Ready {
  readonly origin: string;
  /** One for each of a hundred accounts. */
  readonly keys: readonly string[];
}

/** Of the server's process. */
export interface Usage {
  readonly cpuMs: number;
  /** Of PostgreSQL's processes, where they are seen. */
  readonly postgresMs: number | undefined;
  readonly residentBytes: number;
  /** Videos settled so far. */
  readonly settled: number;
}

export interface Bare {
  readonly sends: number;
  readonly tookMs: number;
  /** Of the server's process. */
  readonly cpuMs: number;
  /** Of PostgreSQL's processes, where they are seen. */
  readonly postgresMs: number | undefined;
}
