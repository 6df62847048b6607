/**
 *     npm run drill:same-key [-- --keys 2000 --sends 5]
 *
 * 2,000 creates, each sent five times at once with one Idempotency-Key, on PGlite and on a real PostgreSQL.
 */

import { parseArgs } from "node:util";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi } from "../support/api.ts";
import { startPostgres } from "../support/postgres.ts";
import { sameKey } from "./same-key.ts";

const { values } = parseArgs({
  options: { keys: { type: "string", default: "2000" }, sends: { type: "string", default: "5" } },
});
const size = { keys: Number(values.keys), sends: Number(values.sends), atOnce: 10 };
let failed = false;

for (const kind of ["PGlite", "PostgreSQL"]) {
  const postgres = kind === "PostgreSQL" ? await startPostgres() : undefined;
  const api = await startTestApi(postgres && (await openDatabase({ url: await postgres.database() })));
  const { keys, sends, videos, ids, wrong, conflicts, tookMs } = await sameKey(api, size);
  await api.close();
  await postgres?.stop();
  failed ||= videos !== keys || ids !== keys || wrong > 0 || conflicts !== keys;
  process.stdout.write(
    `${kind}: ${keys} keys, ${sends} sends: ${videos} videos, ${wrong} wrong answers; ${conflicts} of ${keys} other requests refused with 422 (${(tookMs / 1000).toFixed(1)} s)\n`,
  );
}
process.exitCode = failed ? 1 : 0;
