/**
 *     npm run drill:turns [-- --queued 10000 --asks 20 --step-ms 100]
 *
 * Account A queues 10,000 videos; then B asks for one, twenty times, while one worker makes A's. Each of B's has to
 * start within two job times, on PGlite and on a real PostgreSQL.
 */

import { parseArgs } from "node:util";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi } from "../support/api.ts";
import { startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { turns } from "./turns.ts";

const { values } = parseArgs({
  options: {
    queued: { type: "string", default: "10000" },
    asks: { type: "string", default: "20" },
    "step-ms": { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
  },
});
const size = {
  queued: Number(values.queued),
  asks: Number(values.asks),
  stepMs: Number(values["step-ms"]),
  random: seeded(Number(values.seed)),
};
/** What a start may wait for, in job times. */
const LIMIT_JOBS = 2;
let failed = false;

for (const kind of ["PGlite", "PostgreSQL"]) {
  const postgres = kind === "PostgreSQL" ? await startPostgres() : undefined;
  const api = await startTestApi(postgres && (await openDatabase({ url: await postgres.database() })));
  const { queued, asks, jobMs, waitsMs, longestWaitJobs, mostOvertakes, stillWaiting } = await turns(
    api,
    size,
  );
  await api.close();
  await postgres?.stop();
  failed ||= asks !== size.asks || stillWaiting === 0 || !(longestWaitJobs <= LIMIT_JOBS);
  const median = waitsMs[Math.floor(waitsMs.length / 2)] ?? Number.NaN;
  process.stdout.write(
    `${kind}: A queued ${queued} (${stillWaiting} still wait), a job takes ${jobMs.toFixed(0)} ms; B asked ${asks} times and ` +
      `waited ${median.toFixed(0)} ms, at most ${(longestWaitJobs * jobMs).toFixed(0)} ms = ${longestWaitJobs.toFixed(2)} job times ` +
      `(limit ${LIMIT_JOBS}); at most ${mostOvertakes} of A's started in between\n`,
  );
}
process.exitCode = failed ? 1 : 0;
