/**
 * `npm run fuzz:ledger -- --operations 1000000`: random operations, done to the real ledger and to one in memory, which
 * have to agree on every answer and every balance; in the end the books are proven as a whole. Exit code 1 where they
 * part, with the shortest list of operations that shows it.
 */

import { parseArgs } from "node:util";
import fc from "fast-check";
import {
  auditLedger,
  type Database,
  inUnits,
  MIGRATIONS,
  migrate,
  openDatabase,
} from "../../src/jobs/index.ts";
import { type Answers, operation, runOperations } from "../support/ledger-model.ts";
import { memoryDatabase } from "../support/memory-database.ts";
import { startPostgres } from "../support/postgres.ts";

/** The longest list of operations; each list is one transaction on accounts of its own. */
const LONGEST = 2000;
/** Lists that are done at once. */
const LANES = 4;

const { values } = parseArgs({
  options: {
    operations: { type: "string", default: "50000" },
    seed: { type: "string", default: "1" },
    database: { type: "string", default: "pglite" },
  },
});
const wanted = Number(values.operations);
const seed = Number(values.seed);

const { database, about, close } = await open(values.database);
const answers: Answers = new Map();
const started = performance.now();
let runs = 0;
let done = 0;
// PGlite has one connection; PostgreSQL would mostly wait for one.
await Promise.all(
  Array.from({ length: values.database === "postgres" ? LANES : 1 }, (_, lane) => fuzz(lane)),
);
const seconds = (performance.now() - started) / 1000;
process.stderr.write("\n");
const { entries, house, faults } = await auditLedger(database);
await close();

const row = (name: string, value: string | number) => `${name.padEnd(22)} ${value}\n`;
process.stdout.write(
  [
    row("database", about),
    row("seed", seed),
    row("operations", done),
    row("transactions", runs),
    row("operations a second", Math.round(done / seconds)),
    ...[...answers].sort().map(([answer, count]) => row(`  ${answer}`, count)),
    row("entries", entries),
    row("issued", inUnits(house.issued)),
    row("credit", inUnits(house.credit)),
    row("held", inUnits(house.held)),
    row("revenue", inUnits(house.revenue)),
    row("together", inUnits(house.issued + house.credit + house.held + house.revenue)),
    row("faults", faults.length),
    ...faults.map((fault) => `${fault}\n`),
  ].join(""),
);
process.exitCode = faults.length === 0 ? 0 : 1;

/** One list after the other until all lanes together have done enough. */
async function fuzz(lane: number): Promise<void> {
  for (let round = 0; done < wanted; round++) {
    await fc.assert(
      fc.asyncProperty(
        fc.array(operation, { minLength: 1, maxLength: LONGEST, size: "max" }),
        async (operations) => {
          runs += 1;
          await runOperations(database, `run${runs}`, operations, answers);
          done += operations.length;
        },
      ),
      // Lanes and rounds have seeds of their own; fast-check names the one that failed.
      { seed: seed + round * LANES + lane, numRuns: 5 },
    );
    process.stderr.write(`\r${done} of ${wanted} operations`);
  }
}

async function open(
  kind: string,
): Promise<{ database: Database; about: string; close: () => Promise<void> }> {
  if (kind === "pglite") {
    const memory = await memoryDatabase();
    return { database: memory, about: "PGlite, in memory", close: () => memory.close() };
  }
  if (kind !== "postgres") throw new Error(`--database is “${kind}”; it must be pglite or postgres.`);
  const server = await startPostgres();
  const postgres = await openDatabase({ url: await server.database() });
  await migrate(postgres, MIGRATIONS);
  return {
    database: postgres,
    about: `PostgreSQL ${server.version}`,
    close: async () => {
      await postgres.close();
      await server.stop();
    },
  };
}
