import { availableParallelism } from "node:os";

/** Most threads that help: beyond that, small models get slower. */
const MOST_THREADS = 16;

/** All cores, within reason. The same number of threads gives the same bits. */
export function defaultThreads(): number {
  return Math.min(availableParallelism(), MOST_THREADS);
}
