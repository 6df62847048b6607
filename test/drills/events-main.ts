/**
 *     npm run drill:events [-- --cuts 1000 --steps 60 --seed 1]
 *
 * Event streams cut at random bytes, each resumed with its Last-Event-ID on the other of two servers.
 */

import { parseArgs } from "node:util";
import { seeded } from "../support/random.ts";
import { eventsDrill } from "./events.ts";
import { startTwoServers } from "./two-servers.ts";

const { values } = parseArgs({
  options: {
    cuts: { type: "string", default: "1000" },
    steps: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
  },
});

const { close, ...servers } = await startTwoServers(4, 30);
const report = await eventsDrill({
  servers,
  cuts: Number(values.cuts),
  steps: Number(values.steps),
  atOnce: 8,
  random: seeded(Number(values.seed)),
});
await close();
const { videos, cuts, cutIn, events, fewest, lost, duplicated, outOfOrder, wrong, tookMs } = report;
process.stdout.write(
  `${cuts} cuts at random bytes (${cutIn.head} in the head, ${cutIn.live} while the video was made, ${cutIn.replay} after), servers in two processes in turn: ` +
    `${videos} videos with ${events} events, at least ${fewest} each; ${lost} lost, ${duplicated} twice, ${outOfOrder} out of order, ` +
    `${wrong} wrong (seed ${values.seed}, ${(tookMs / 1000).toFixed(1)} s)\n`,
);
process.exitCode = lost + duplicated + outOfOrder + wrong > 0 || fewest < 50 ? 1 : 0;
