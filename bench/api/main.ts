/**
 *     npm run bench:api [-- --quick] [--only pglite|postgres] [--latency-seconds 300]
 *
 * What the API takes: creates a second next to sends of pg-boss alone, in turns; the latency of 100
 * creates a second while a worker settles them; reads; memory. On PGlite, and on PostgreSQL with fsync. The engine is
 * a stub: videos are settled without being made. The load generator is this process; its share of the processor is
 * shown beside the server's.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { quantile } from "../../src/engine/metrics/statistics.ts";
import { startPostgres } from "../../test/support/postgres.ts";
import { closedLoop, type Fired, openLoop, type Shot } from "./load.ts";
import type { Bare, Place, Question, Ready, Usage } from "./protocol.ts";

const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string" },
    "latency-seconds": { type: "string" },
  },
});
const ROUNDS = values.quick ? 2 : 3;
const ROUND_SECONDS = values.quick ? 2 : 10;
const LATENCY_SECONDS = Number(values["latency-seconds"] ?? (values.quick ? 10 : 300));
const CREATES_PER_SECOND = 100;
/** Requests that are under way together: a trickle, and as many as make creates wait for each other. */
const LEVELS = [16, 64];
const [READS_AT_ONCE = 0] = LEVELS;

const say = (line: string) => process.stdout.write(`${line}\n`);
const rate = (count: number, ms: number) => ((count * 1000) / ms).toFixed(0);
const share = (cpuMs: number, ms: number) => `${((100 * cpuMs) / ms).toFixed(0)} %`;

/** On a machine that does other things too, the processor's time says more than the clock. */
const each = (cpuMs: number, count: number) => `${(cpuMs / count).toFixed(2)} ms of CPU each`;

/** The server and how it is asked. */
async function startServer(place: Place) {
  const child = fork(path.join(import.meta.dirname, "server.ts"), [JSON.stringify(place)]);
  const [ready] = (await once(child, "message")) as [Ready];
  const ask = async <Answer>(question: Question): Promise<Answer> => {
    const answered = once(child, "message");
    child.send(question);
    return (await answered)[0] as Answer;
  };
  return { ...ready, ask, ended: once(child, "exit") };
}

type Server = Awaited<ReturnType<typeof startServer>>;

let made = 0;
const create = (key: string): Shot => ({
  method: "POST",
  path: "/v1/videos",
  key,
  body: `{"prompt":"a red circle moves left on a blue background","seed":${made++}}`,
});

/** A load with what server and database spent on it. */
interface Measured extends Fired {
  readonly serverMs: number;
  readonly postgresMs: number | undefined;
}

async function measured(server: Server, work: () => Promise<Fired>): Promise<Measured> {
  const before = await server.ask<Usage>({ ask: "usage" });
  const fired = await work();
  const after = await server.ask<Usage>({ ask: "usage" });
  return {
    ...fired,
    serverMs: after.cpuMs - before.cpuMs,
    postgresMs: after.postgresMs === undefined ? undefined : after.postgresMs - (before.postgresMs ?? 0),
  };
}

interface Sum {
  count: number;
  tookMs: number;
  serverMs: number;
  loadMs: number;
  postgresMs: number | undefined;
  failures: number;
}

const none = (): Sum => ({
  count: 0,
  tookMs: 0,
  serverMs: 0,
  loadMs: 0,
  postgresMs: undefined,
  failures: 0,
});

function add(sum: Sum, fired: Measured): void {
  sum.count += fired.requests;
  sum.tookMs += fired.tookMs;
  sum.serverMs += fired.serverMs;
  sum.loadMs += fired.cpuMs;
  if (fired.postgresMs !== undefined) sum.postgresMs = (sum.postgresMs ?? 0) + fired.postgresMs;
  sum.failures += fired.failures;
}

/** How busy each was, in hundredths of a core. */
const shares = (serverMs: number, loadMs: number, postgresMs: number | undefined, tookMs: number) =>
  `server ${share(serverMs, tookMs)}, load ${share(loadMs, tookMs)}${postgresMs === undefined ? "" : `, PostgreSQL ${share(postgresMs, tookMs)}`} of a core`;

const line = (name: string, sum: Sum) =>
  `  ${name.padEnd(34)} ${rate(sum.count, sum.tookMs).padStart(6)} /s, ${each(sum.serverMs, sum.count)}; ${shares(sum.serverMs, sum.loadMs, sum.postgresMs, sum.tookMs)}${sum.failures ? `, ${sum.failures} FAILED` : ""}`;

/** Bare sends have neither requests nor a load. */
const NOT_LOADED = { failures: 0, latenciesMs: [] };

async function throughput(server: Server, atOnce: number): Promise<void> {
  const [hot = ""] = server.keys;
  const bare = none();
  const [one, many] = [none(), none()];
  let turn = 0;
  const load = { origin: server.origin, seconds: ROUND_SECONDS };
  for (let round = 0; round < ROUNDS; round++) {
    const sent = await server.ask<Bare>({ ask: "bare", seconds: ROUND_SECONDS, atOnce });
    add(bare, { ...NOT_LOADED, ...sent, requests: sent.sends, serverMs: sent.cpuMs, cpuMs: 0 });
    const next = () => create(server.keys[turn++ % server.keys.length] ?? hot);
    add(many, await measured(server, () => closedLoop({ ...load, next }, atOnce)));
    add(one, await measured(server, () => closedLoop({ ...load, next: () => create(hot) }, atOnce)));
  }
  say(` ${atOnce} at a time:`);
  say(line("bare pg-boss sends", bare));
  say(line("creates, 100 accounts", many));
  say(line("creates, one hot account", one));
  const ratio = (sum: Sum) => (sum.count / sum.tookMs / (bare.count / bare.tookMs)).toFixed(2);
  say(`  creates / bare sends: ${ratio(many)} with 100 accounts, ${ratio(one)} with one (wanted: 0.50)`);
}

async function latency(server: Server): Promise<string[]> {
  const ids: string[] = [];
  let turn = 0;
  await server.ask({ ask: "work" });
  const before = await server.ask<Usage>({ ask: "usage" });
  const fired = await measured(server, () =>
    openLoop(
      {
        origin: server.origin,
        seconds: LATENCY_SECONDS,
        next: () => create(server.keys[turn++ % server.keys.length] ?? ""),
        onAnswer: (_, body) => {
          const id = /"id":"(video_\w+)"/.exec(body)?.[1];
          if (id !== undefined) ids.push(id);
        },
      },
      CREATES_PER_SECOND,
    ),
  );
  const { settled } = await server.ask<Usage>({ ask: "usage" });
  const at = (share: number) => `${quantile(fired.latenciesMs, share).toFixed(1)} ms`;
  say(
    `  ${CREATES_PER_SECOND} creates/s for ${LATENCY_SECONDS} s: p50 ${at(0.5)}, p99 ${at(0.99)}, max ${at(1)} (wanted: p99 < 50 ms); ` +
      `${fired.failures} failed; ${settled - before.settled} settled meanwhile; ${shares(fired.serverMs, fired.cpuMs, fired.postgresMs, fired.tookMs)}`,
  );
  return ids;
}

async function reads(server: Server, ids: readonly string[]): Promise<void> {
  let turn = 0;
  const load = { origin: server.origin, seconds: ROUND_SECONDS };
  const own = await ownedIds(server, ids);
  const one = () => own[turn++ % own.length] ?? { method: "GET" as const, path: "/", key: "" };
  const sums = [none(), none()] as const;
  add(sums[0], await measured(server, () => closedLoop({ ...load, next: one }, READS_AT_ONCE)));
  const page = () => ({
    method: "GET" as const,
    path: "/v1/videos?limit=20",
    key: server.keys[turn++ % server.keys.length] ?? "",
  });
  add(sums[1], await measured(server, () => closedLoop({ ...load, next: page }, READS_AT_ONCE)));
  say(line("reads of one video", sums[0]));
  say(line("reads of a page of 20", sums[1]));
}

/** Each account's newest videos, with its key. */
async function ownedIds(server: Server, ids: readonly string[]): Promise<Shot[]> {
  const known = new Set(ids);
  const shots: Shot[] = [];
  for (const key of server.keys.slice(0, 20)) {
    const headers = { authorization: `Bearer ${key}` };
    const response = await fetch(`${server.origin}/v1/videos?limit=50`, { headers });
    const { data } = (await response.json()) as { data: { id: string }[] };
    for (const { id } of data)
      if (known.has(id)) shots.push({ method: "GET", path: `/v1/videos/${id}`, key });
  }
  return shots;
}

async function run(name: string, place: Place): Promise<void> {
  say(`${name}, ${ROUNDS} rounds of ${ROUND_SECONDS} s in turns, ${availableParallelism()} cores`);
  const server = await startServer(place);
  for (const atOnce of LEVELS) await throughput(server, atOnce);
  const full = await server.ask<Usage>({ ask: "usage" });
  await reads(server, await latency(server));
  const { residentBytes } = await server.ask<Usage>({ ask: "usage" });
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  say(
    `  memory of the server: ${megabytes(full.residentBytes)} after the creates, ${megabytes(residentBytes)} at the end`,
  );
  await server.ask({ ask: "stop" });
  await server.ended;
}

if (values.only !== "postgres") {
  const folder = mkdtempSync(path.join(tmpdir(), "mixcache-bench-"));
  await run("PGlite", { folder: path.join(folder, "database") });
  rmSync(folder, { recursive: true, force: true });
}
if (values.only !== "pglite") {
  const postgres = await startPostgres({ fsync: true });
  await run(`PostgreSQL ${postgres.version} with fsync`, { url: await postgres.database() });
  await postgres.stop();
}
