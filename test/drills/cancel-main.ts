/**
 *     npm run drill:cancel [-- --cancels 200 --threads 1]
 *
 * Videos of the embedded model are cancelled over HTTP while it makes them. From sending the cancel to an idle engine
 * it may take, for 99 of 100, one step and 250 ms, on PGlite and on a real PostgreSQL.
 */

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { openDatabase } from "../../src/jobs/index.ts";
import { EMBEDDED_BUNDLE, EngineChild } from "../../src/node/index.ts";
import { startTestApi } from "../support/api.ts";
import { startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { cancels, percentile, WatchedEngine } from "./cancel.ts";

const { values } = parseArgs({
  options: {
    cancels: { type: "string", default: "200" },
    threads: { type: "string", default: String(Math.max(1, availableParallelism() - 1)) },
    seed: { type: "string", default: "1" },
  },
});
const size = {
  cancels: Number(values.cancels),
  steps: 1000,
  latestMs: 300,
  random: seeded(Number(values.seed)),
};
/** Beside one step. */
const ALLOWANCE_MS = 250;
let failed = false;

for (const kind of ["PGlite", "PostgreSQL"]) {
  const postgres = kind === "PostgreSQL" ? await startPostgres() : undefined;
  const api = await startTestApi(postgres && (await openDatabase({ url: await postgres.database() })));
  const engine = new WatchedEngine(
    await EngineChild.start({ bundle: EMBEDDED_BUNDLE, threads: Number(values.threads) }),
  );
  const { cancelled, counted, idleMs, stepMs } = await cancels(api, engine, size);
  await api.close();
  engine.dispose();
  await postgres?.stop();
  const [p50, p99, most] = [0.5, 0.99, 1].map((share) => percentile(idleMs, share));
  const limitMs = stepMs + ALLOWANCE_MS;
  failed ||= cancelled !== size.cancels || counted !== size.cancels || !((p99 ?? Number.NaN) <= limitMs);
  process.stdout.write(
    `${kind}: ${cancelled} cancelled while running, ${counted} with what was computed in their usage; cancel to idle engine p50 ${p50?.toFixed(0)} ms, ` +
      `p99 ${p99?.toFixed(0)} ms, most ${most?.toFixed(0)} ms (limit for p99: one step of ${stepMs.toFixed(0)} ms + ${ALLOWANCE_MS} ms = ${limitMs.toFixed(0)} ms)\n`,
  );
}
process.exitCode = failed ? 1 : 0;
