/** One process that is the whole service, on PGlite, killed with -9 and started again on the same folder. */

import { openDatabase } from "../../src/jobs/index.ts";
import type { FleetReport } from "./fleet.ts";
import { judge } from "./oracle.ts";
import { type Exit, exitOf, messageOf, sleep, start } from "./processes.ts";
import type { WholeGiven } from "./whole-main.ts";
import { type Place, SHORT_LEASE } from "./world.ts";

export interface WholeOptions {
  /** PGlite's folder. */
  readonly folder: string;
  readonly store: string;
  readonly random: () => number;
  readonly kills: number;
}

/** Up to this long after a start the kill comes. */
const LIFE_MS = 3_000;

/** Runs the drill. */
export async function drillWhole({ folder, store, random, kills }: WholeOptions): Promise<FleetReport> {
  const place: Place = { database: { folder }, store, lease: SHORT_LEASE };
  const acknowledged = new Set<string>();
  for (let kill = 0; kill < kills; kill++) {
    // One in ten is killed while it opens the database.
    const early = random() < 0.1;
    await live({ place, last: false }, acknowledged, async (ready, end) => {
      if (!early) await ready;
      await sleep(random() * LIFE_MS);
      end();
    });
  }
  const { code } = await live({ place, last: true }, acknowledged, async () => {});
  const database = await openDatabase(place.database);
  const verdict = await judge(database, store, acknowledged);
  await database.close();
  const faults = code === 0 ? [] : [`The last process ended with ${code}.`];
  return { ...verdict, kills, faults: [...verdict.faults, ...faults] };
}

async function live(
  given: WholeGiven,
  acknowledged: Set<string>,
  meddle: (ready: Promise<unknown>, end: () => void) => Promise<void>,
): Promise<Exit> {
  const child = start("whole-main.ts", given);
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const closed = new Promise((resolve) => child.stdout?.once("close", resolve));
  await meddle(messageOf(child), () => child.kill("SIGKILL"));
  const exit = await exitOf(child);
  await closed;
  for (const id of text.split("\n").filter((line) => line !== "")) acknowledged.add(id);
  return exit;
}
