/**
 *     npm run bench:edge [-- --quick]
 *
 * What the edge keeps away and what it costs, as `wrangler dev` runs it in workerd on this machine: requests that no
 * cell should see; the time that it adds to a request, in turns with the same request to the cell itself; requests and
 * processor time of a video from its creation to its deletion. The cell is the API on PGlite in memory in a process of
 * its own, with a stub of the engine. `wrangler dev` has a proxy before the Worker, which a deployed one has not: what
 * it takes for an answer of the edge's own (`/healthz`) is shown beside. Ends with 1 where a cell saw what it should
 * not have seen.
 */

import { fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { parseArgs } from "node:util";
import { quantile } from "../../src/engine/metrics/statistics.ts";
import { PROOF_HEADER, proofKey, prove } from "../../src/wire/proof.ts";
import { type RunningEdge, startEdge } from "../../test/support/edge.ts";
import { cpuMsOf } from "./cpu.ts";
import { type Hostile, hostileRequests } from "./hostile.ts";
import type { Ready, Seen } from "./protocol.ts";

const { values } = parseArgs({ options: { quick: { type: "boolean", default: false } } });
const SECRET = "the-secret-of-this-bench-is-long-enough";
const HOSTILE = values.quick ? 2000 : 10_000;
const ROUNDS = values.quick ? 100 : 1000;
const VIDEOS = values.quick ? 5 : 50;
const AT_ONCE = 16;
const MINUTE_MS = 60_000;

const say = (line: string) => process.stdout.write(`${line}\n`);
const ms = (value: number) => `${value.toFixed(2)} ms`;

/** The cell's process and what came to it. */
async function startCell() {
  const child = fork(path.join(import.meta.dirname, "cell.ts"), [SECRET]);
  const [ready] = (await once(child, "message")) as [Ready];
  const seen = async () => {
    const answered = once(child, "message") as Promise<[Seen]>;
    child.send("seen");
    return (await answered)[0];
  };
  const close = async () => {
    const exit = once(child, "exit");
    child.disconnect();
    await exit;
  };
  return { ...ready, seen, close };
}

type Cell = Awaited<ReturnType<typeof startCell>>;

/** @returns whether no cell saw any of them, and no key was looked up twice in a minute */
async function keptAway(edge: RunningEdge, cell: Cell): Promise<boolean> {
  const requests = hostileRequests(HOSTILE, { good: cell.key, revoked: cell.revokedKey });
  await cell.seen();
  const answers = new Map<string, Map<number, number>>();
  const left = requests.values();
  const send = async ({ kind, path: asked, init }: Hostile) => {
    const response = await fetch(`${edge.url}${asked}`, init);
    await response.arrayBuffer();
    const statuses = answers.get(kind) ?? new Map<number, number>();
    answers.set(kind, statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1));
  };
  const started = performance.now();
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const one of left) await send(one);
    }),
  );
  const { publicRequests, lookUps } = await cell.seen();
  const keys = Map.groupBy(lookUps, ({ hash }) => hash);
  const tooSoon = [...keys.values()].filter((of) =>
    of.some(({ atMs }, at) => atMs - (of[at - 1]?.atMs ?? Number.NEGATIVE_INFINITY) < MINUTE_MS - 1000),
  );
  say(
    `${requests.length} invalid or unauthorised requests in ${((performance.now() - started) / 1000).toFixed(0)} s:`,
  );
  for (const [kind, statuses] of answers)
    say(`  ${kind.padEnd(24)} ${[...statuses].map(([status, count]) => `${count} × ${status}`).join(", ")}`);
  say(`  reached a public route of the cell: ${publicRequests}`);
  say(
    `  keys looked up: ${keys.size}, questions for them: ${lookUps.length}, twice in a minute: ${tooSoon.length}`,
  );
  const passed = [...answers.values()].some((statuses) =>
    [...statuses.keys()].some((status) => status < 400),
  );
  return publicRequests === 0 && tooSoon.length === 0 && !passed;
}

/** The time that a read takes through the edge and without it, in turns. */
async function overhead(edge: RunningEdge, cell: Cell): Promise<void> {
  const authorization = `Bearer ${cell.key}`;
  const key = await proofKey(SECRET);
  const asked = { method: "GET", path: "/v1/videos", query: "?limit=1", cell: "a", ip: "127.0.0.1" };
  const times = { edge: [] as number[], cell: [] as number[], own: [] as number[] };
  const timed = async (url: string, headers: Record<string, string>) => {
    const started = performance.now();
    const response = await fetch(url, { headers });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}.`);
    return performance.now() - started;
  };
  const started = performance.now();
  for (let round = 0; round < ROUNDS; round++) {
    times.edge.push(await timed(`${edge.url}${asked.path}${asked.query}`, { authorization }));
    const proof = await prove(key, asked, new Uint8Array());
    times.cell.push(
      await timed(`${cell.origin}${asked.path}${asked.query}`, { authorization, [PROOF_HEADER]: proof }),
    );
    times.own.push(await timed(`${edge.url}/healthz`, {}));
  }
  say(`\nA read, ${ROUNDS} times in turns, in ${((performance.now() - started) / 1000).toFixed(0)} s:`);
  for (const [name, list] of [
    ["through the edge", times.edge],
    ["to the cell itself", times.cell],
    ["the edge's own /healthz", times.own],
  ] as const)
    say(`  ${name.padEnd(24)} p50 ${ms(quantile(list, 0.5))}, p99 ${ms(quantile(list, 0.99))}`);
  const more = times.edge.map((time, round) => time - (times.cell[round] ?? 0));
  say(`  ${"what the edge adds".padEnd(24)} p50 ${ms(quantile(more, 0.5))}, p99 ${ms(quantile(more, 0.99))}`);
}

/** Requests and processor time of one video's life through the edge. */
async function lifecycle(edge: RunningEdge, cell: Cell): Promise<void> {
  const headers = { authorization: `Bearer ${cell.key}`, "content-type": "application/json" };
  const before = { edge: cpuMsOf(edge.group, "workerd"), cell: (await cell.seen()).cpuMs };
  let sent = 0;
  const ask = async (asked: string, init: RequestInit = {}) => {
    sent++;
    const response = await fetch(`${edge.url}${asked}`, { headers, ...init });
    const body = Buffer.from(await response.arrayBuffer());
    if (!response.ok) throw new Error(`${asked} answered ${response.status}: ${body.subarray(0, 200)}`);
    return body;
  };
  for (let video = 0; video < VIDEOS; video++) {
    const body = JSON.stringify({ prompt: "a red circle moves left", seed: video });
    const { id } = JSON.parse(String(await ask("/v1/videos", { method: "POST", body }))) as { id: string };
    await ask(`/v1/videos/${id}/events`);
    await ask(`/v1/videos/${id}`);
    await ask(`/v1/videos/${id}/content`);
    await ask(`/v1/videos/${id}`, { method: "DELETE" });
  }
  const { publicRequests, lookUps, cpuMs } = await cell.seen();
  const each = (total: number) => (total / VIDEOS).toFixed(1);
  say(
    `\nA video's life (create, follow its events, read, download, delete), ${VIDEOS} times one after the other:`,
  );
  say(
    `  requests to the edge ${each(sent)}, to the cell ${each(publicRequests)} and ${lookUps.length} questions for keys in all`,
  );
  say(
    `  CPU of workerd ${each(cpuMsOf(edge.group, "workerd") - before.edge)} ms, of the cell ${each(cpuMs - before.cell)} ms`,
  );
}

const cell = await startCell();
const edge = await startEdge({ cells: `a=${cell.origin}`, secret: SECRET });
try {
  await fetch(`${edge.url}/v1/videos`, { headers: { authorization: `Bearer ${cell.key}` } });
  const isQuiet = await keptAway(edge, cell);
  // The key's requests of this minute are used up, and its address is known for unknown keys.
  await new Promise((resolve) => setTimeout(resolve, MINUTE_MS));
  await overhead(edge, cell);
  await lifecycle(edge, cell);
  if (!isQuiet) process.exitCode = 1;
} finally {
  await edge.close();
  await cell.close();
}
