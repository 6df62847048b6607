/** Two servers in two processes that share nothing but one PostgreSQL, and workers with a stub of the engine. */

import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi, type TestApi } from "../support/api.ts";
import { startPostgres } from "../support/postgres.ts";

export interface TwoServers {
  /** The one in this process, which has the workers. */
  readonly first: TestApi;
  /** Where the other one is reached. */
  readonly secondOrigin: string;
  close(): Promise<void>;
}

/** @param stepMs how long a step of the engine takes */
export async function startTwoServers(workers: number, stepMs: number): Promise<TwoServers> {
  const postgres = await startPostgres();
  const url = await postgres.database();
  const first = await startTestApi(await openDatabase({ url }));
  const second = fork(path.join(import.meta.dirname, "server-main.ts"), [url]);
  const [secondOrigin] = await once(second, "message");
  for (let count = 0; count < workers; count++) await first.startWorker({ stepMs });
  return {
    first,
    secondOrigin,
    close: async () => {
      const exit = once(second, "exit");
      second.disconnect();
      await exit;
      await first.close();
      await postgres.stop();
    },
  };
}
