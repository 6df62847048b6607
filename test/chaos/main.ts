/**
 * Kills the service in every way it can be killed, and has an oracle look at what is left.
 *
 *     npm run chaos -- --scale 5% --seed 1
 *
 * `--only postgres,pglite` does a part. Every drill's number can be given: `--kills`, `--pglite-kills`,
 * `--engine-kills`, `--zombies`; `--scale` shortens them all, and does each so many-th durable call.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { drillEveryCall } from "./every-call.ts";
import { drillFleet } from "./fleet.ts";
import type { Verdict } from "./oracle.ts";
import { drillPoison } from "./poison.ts";
import { drillWhole } from "./whole.ts";
import { SHORT_LEASE } from "./world.ts";
import { drillZombies } from "./zombies.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    scale: { type: "string", default: "100%" },
    only: { type: "string", default: "postgres,pglite,engine,calls,zombies,poison" },
    kills: { type: "string", default: "1000" },
    "pglite-kills": { type: "string", default: "100" },
    "engine-kills": { type: "string", default: "50" },
    zombies: { type: "string", default: "500" },
    workers: { type: "string", default: "20" },
  },
});

const percent = /^(\d+(?:\.\d+)?)%$/.exec(values.scale)?.[1];
if (percent === undefined || Number(percent) <= 0) throw new Error("--scale is a percentage, such as 5%.");
const scale = Number(percent) / 100;
const seed = Number(values.seed);
const workers = Number(values.workers);
const chosen = values.only.split(",");
const scaled = (count: string) => Math.max(1, Math.round(Number(count) * scale));
/** An engine of its own takes its time, also to be found dead. */
const ENGINE_LEASE = { leaseSeconds: 10, attemptSeconds: 60, monitorSeconds: 1 };

interface Line extends Verdict {
  readonly what: string;
}

const folder = mkdtempSync(path.join(tmpdir(), "mixcache-chaos-"));
const postgres = await startPostgres();
const random = seeded(seed);
const store = (name: string) => path.join(folder, name, "store");

const drills: Record<string, () => Promise<Line>> = {
  postgres: async () => {
    const report = await drillFleet({
      postgres,
      store: store("postgres"),
      random,
      kills: scaled(values.kills),
      workers,
      engine: "stub",
      lease: SHORT_LEASE,
      lifeMs: 2_000,
    });
    return { ...report, what: `${workers} workers on PostgreSQL, ${report.kills} kills` };
  },
  pglite: async () => {
    const kills = scaled(values["pglite-kills"]);
    const report = await drillWhole({
      folder: path.join(folder, "pglite", "database"),
      store: store("pglite"),
      random,
      kills,
    });
    return { ...report, what: `the whole process on PGlite, ${kills} kills` };
  },
  engine: async () => {
    const report = await drillFleet({
      postgres,
      store: store("engine"),
      random,
      kills: scaled(values["engine-kills"]),
      workers: 1,
      engine: "real",
      lease: ENGINE_LEASE,
      lifeMs: 10_000,
    });
    return { ...report, what: `the real engine, ${report.kills} kills of it or its worker` };
  },
  calls: async () => {
    const stride = Math.max(1, Math.round(1 / scale));
    const first = 1 + Math.floor(random() * stride);
    const report = await drillEveryCall({ postgres, store: store("calls"), stride, first });
    const which = stride === 1 ? "every durable call" : `each ${stride}th durable call`;
    return { ...report, what: `killed at ${which}, ${report.kills} calls` };
  },
  zombies: async () => {
    const zombies = scaled(values.zombies);
    const report = await drillZombies({ postgres, store: store("zombies"), random, zombies, workers });
    return {
      ...report,
      what: `${report.zombies} workers stopped past their lease, ${report.rejected} rejected`,
    };
  },
  poison: async () => {
    const report = await drillPoison({ postgres, store: store("poison") });
    const { attempts, charges } = report;
    return {
      ...report,
      what: `poison: ${attempts.join(" and ")} attempts, charged ${charges.join(" and ")}`,
    };
  },
};

function row({ what, videos, acknowledged, completed, failed, attemptsLost, ...rest }: Line): string {
  const codes = Object.entries(failed).map(([code, count]) => `${count} ${code}`);
  const { files, wrongFiles, lost, chargedTwice, ledgerSum } = rest;
  const cells = [
    what,
    videos,
    acknowledged,
    completed,
    codes.join(", ") || 0,
    attemptsLost,
    files,
    wrongFiles,
  ];
  return `| ${[...cells, lost, chargedTwice, ledgerSum].join(" | ")} |`;
}

const lines: Line[] = [];
const startedMs = Date.now();
try {
  for (const name of chosen) {
    const drill = drills[name];
    if (!drill) throw new Error(`There is no drill ${name}; there are ${Object.keys(drills).join(", ")}.`);
    const line = await drill();
    lines.push(line);
    for (const fault of line.faults) console.error(`${name}: ${fault}`);
    console.error(`${line.what}: ${line.faults.length} faults`);
  }
} finally {
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}
const minutes = ((Date.now() - startedMs) / 60_000).toFixed(1);
const machine = `${availableParallelism()} cores, PostgreSQL ${postgres.version}`;
console.log(`\nSeed ${seed}, scale ${values.scale}, ${machine}, ${minutes} minutes.\n`);
console.log(
  "| drill | videos | acknowledged | completed | failed | attempts lost | files | wrong files | videos lost | charged twice | ledger sum |",
);
console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
for (const line of lines) console.log(row(line));
process.exit(lines.some(({ faults }) => faults.length > 0) ? 1 : 0);
