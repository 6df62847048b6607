/** What a PostgreSQL on this machine has spent, from Linux's /proc: all of its processes, those that ended too. */

import { readdirSync, readFileSync } from "node:fs";
import type { Database } from "../../src/jobs/index.ts";

/** Linux counts the time of processes in these. */
const TICK_MS = 10;

/** @returns what reads the milliseconds of CPU so far; undefined on PGlite, which has no processes, and elsewhere */
export async function postgresCpu(database: Database): Promise<(() => number) | undefined> {
  if (database.kind !== "postgres" || process.platform !== "linux") return undefined;
  const [backend] = await database.query<{ pid: number }>("select pg_backend_pid() as pid");
  const parent = backend && statOf(backend.pid)?.parent;
  if (parent === undefined) return undefined;
  return () => {
    const all = readdirSync("/proc").map((name) => (/^\d+$/.test(name) ? statOf(Number(name)) : undefined));
    const children = all.filter((stat) => stat?.parent === parent);
    const ticks = children.reduce((sum, stat) => sum + (stat?.own ?? 0), 0);
    const main = statOf(parent);
    return (ticks + (main ? main.own + main.ended : 0)) * TICK_MS;
  };
}

/** See proc(5); undefined where there is no such process, or none that may be seen. */
function statOf(pid: number): { parent: number; own: number; ended: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is a name in parentheses, which may have spaces.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const number = (field: number) => Number(fields[field - 3]);
    return { parent: number(4), own: number(14) + number(15), ended: number(16) + number(17) };
  } catch {
    return undefined;
  }
}
