/** The load: requests over kept connections, as fast as answers come or at a fixed rate. */

import { performance } from "node:perf_hooks";
import { Pool } from "undici";

/** What is asked; `key` is drawn anew for each. */
export interface Shot {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly key: string;
  readonly body?: string;
}

export interface Load {
  readonly origin: string;
  readonly seconds: number;
  readonly next: () => Shot;
  /** Told of every answer. */
  readonly onAnswer?: (status: number, body: string) => void;
}

export interface Fired {
  readonly requests: number;
  readonly failures: number;
  readonly tookMs: number;
  /** Of each request. At a fixed rate from when it was due, so that a stall counts for all that it delayed. */
  readonly latenciesMs: readonly number[];
  /** Of this process. */
  readonly cpuMs: number;
}

/** So many at a time, each as soon as the one before is answered. */
export function closedLoop(load: Load, atOnce: number): Promise<Fired> {
  return measure(load, new Pool(load.origin, { connections: atOnce }), async (fire, started) => {
    const client = async () => {
      while (performance.now() - started < load.seconds * 1000) await fire(performance.now());
    };
    await Promise.all(Array.from({ length: atOnce }, client));
  });
}

/** So many a second, whether answers come or not. */
export function openLoop(load: Load, perSecond: number): Promise<Fired> {
  return measure(load, new Pool(load.origin), async (fire, started) => {
    const all: Promise<void>[] = [];
    for (let at = 0; at < load.seconds * perSecond; at++) {
      const due = started + (at * 1000) / perSecond;
      const wait = due - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      all.push(fire(due));
    }
    await Promise.all(all);
  });
}

async function measure(
  load: Load,
  pool: Pool,
  run: (fire: (due: number) => Promise<void>, started: number) => Promise<void>,
): Promise<Fired> {
  const latenciesMs: number[] = [];
  let failures = 0;
  const fire = async (due: number) => {
    const { status, body } = await send(pool, load.next());
    latenciesMs.push(performance.now() - due);
    failures += Number(status !== 200);
    load.onAnswer?.(status, body);
  };
  const before = process.cpuUsage();
  const started = performance.now();
  await run(fire, started);
  const tookMs = performance.now() - started;
  const { user, system } = process.cpuUsage(before);
  await pool.close();
  return { requests: latenciesMs.length, failures, tookMs, latenciesMs, cpuMs: (user + system) / 1000 };
}

async function send(pool: Pool, { method, path, key, body }: Shot) {
  const headers = {
    authorization: `Bearer ${key}`,
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  try {
    const answer = await pool.request({ method, path, headers, body: body ?? null });
    return { status: answer.statusCode, body: await answer.body.text() };
  } catch {
    return { status: 0, body: "" };
  }
}
