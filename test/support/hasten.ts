/** Time passes for the queue of webhooks: what is due in an hour is due now, as if the database's clock had moved. */

import type { Database } from "../../src/jobs/index.ts";

/** Jobs are due by the database's clock, which nobody can move; moving what waits is the same. */
export async function hasten(database: Database, seconds: number): Promise<void> {
  await database.query(
    `update pgboss.job set start_after = start_after - make_interval(secs => $1::float8),
       started_on = started_on - make_interval(secs => $1::float8)
     where name = 'webhook'`,
    [seconds],
  );
}
