/** The server under load: the API over real jobs, accounts and database, in a process of its own. */

import { randomUUID } from "node:crypto";
import { setImmediate as turn } from "node:timers/promises";
import { PGlite } from "@electric-sql/pglite";
import { fromPglite, PgBoss } from "pg-boss";
import { type Jobs, openDatabase, type Taken } from "../../src/jobs/index.ts";
import { startTestApi } from "../../test/support/api.ts";
import { postgresCpu } from "./postgres-cpu.ts";
import type { Bare, Place, Question, Ready, Usage } from "./protocol.ts";

const ACCOUNTS = 100;
const BARE_QUEUE = "bare";
/** As many as the service has. */
const CONNECTIONS = 10;

const place: Place = JSON.parse(process.argv[2] ?? "{}");
const database = await openDatabase(place);
const api = await startTestApi(database);
const postgresMs = await postgresCpu(database);
const boss = await bareBoss();
const keys: string[] = [];
for (let i = 0; i < ACCOUNTS; i++) keys.push((await api.account({ unlimited: true })).key);
let settled = 0;
let stopped = false;
let working = Promise.resolve();
boss.on("error", (error) => process.stderr.write(`${error.message}\n`));

process.on("message", async (question: Question) => {
  const answered = await answer(question);
  // The last one ends the process, once it is on its way.
  process.send?.(answered, () => stopped && process.disconnect());
});
process.send?.({ origin: api.origin, keys } satisfies Ready);

async function answer(question: Question): Promise<Bare | Usage> {
  if (question.ask === "bare") return bare(question.seconds, question.atOnce);
  if (question.ask === "work") working = work(api.jobs);
  if (question.ask === "stop") {
    stopped = true;
    await working;
    await boss.stop({ graceful: false });
    await api.close();
  }
  const { user, system } = process.cpuUsage();
  return {
    cpuMs: (user + system) / 1000,
    postgresMs: postgresMs?.(),
    residentBytes: process.memoryUsage.rss(),
    settled,
  };
}

/** pg-boss alone, with its own connections: nothing of ours makes it slower or faster. */
async function bareBoss(): Promise<PgBoss> {
  const quiet = { supervise: false, schedule: false };
  const made =
    "url" in place
      ? new PgBoss({ ...quiet, connectionString: place.url, schema: BARE_QUEUE, max: CONNECTIONS })
      : new PgBoss({
          ...quiet,
          db: fromPglite(await PGlite.create({ dataDir: `${place.folder}-${BARE_QUEUE}` })),
          backend: "pglite",
        });
  await made.start();
  await made.createQueue(BARE_QUEUE, { retryLimit: 2, heartbeatSeconds: 30, expireInSeconds: 3600 });
  return made;
}

async function bare(seconds: number, atOnce: number): Promise<Bare> {
  const before = process.cpuUsage();
  const postgresBefore = postgresMs?.() ?? 0;
  const started = performance.now();
  let sends = 0;
  const sender = async () => {
    while (performance.now() - started < seconds * 1000) {
      await boss.send(
        BARE_QUEUE,
        { video_id: `video_a${randomUUID()}` },
        { id: randomUUID(), priority: 1, group: { id: "acct" } },
      );
      sends += 1;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sender));
  const { user, system } = process.cpuUsage(before);
  return {
    sends,
    tookMs: performance.now() - started,
    cpuMs: (user + system) / 1000,
    postgresMs: postgresMs && postgresMs() - postgresBefore,
  };
}

/** One video after the other, with the transactions that a worker makes. */
async function work(jobs: Jobs): Promise<void> {
  while (!stopped) {
    const taken = await jobs.take();
    if (!taken) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      continue;
    }
    await jobs.settle(taken, { kind: "completed", result: resultOf(taken), usage: USAGE });
    settled += 1;
    await turn();
  }
}

const USAGE = { flops: 1_000_000n, engineMs: 1n, videoMs: 2000n };

function resultOf({ video, attempt }: Taken) {
  const key = `videos/${video.id}/${attempt}/video.mp4`;
  return { video: { key, bytes: 1, sha256: "a".repeat(64), contentType: "video/mp4" } };
}
