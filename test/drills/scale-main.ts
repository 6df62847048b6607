/**
 *     npm run drill:scale [-- --stops 100 --seed 1]
 *
 * No worker while there is nothing to do; a video makes one start, two ticks at once no second one; it ends when there
 * is nothing to do. Then workers are told to stop in the middle of a video, and nothing may be lost.
 */

import { parseArgs } from "node:util";
import { seeded } from "../support/random.ts";
import { openInstallation } from "./installation.ts";
import { fromZeroToZero, serveApi, stopMidJob } from "./scale.ts";

const { values } = parseArgs({
  options: { stops: { type: "string", default: "100" }, seed: { type: "string", default: "1" } },
});
const say = (line: string) => process.stdout.write(`${line}\n`);
const failures: string[] = [];
const check = (isSo: boolean, sentence: string) => {
  if (!isSo) failures.push(sentence);
};

const installation = await openInstallation();
try {
  const { at, close } = await serveApi(installation);
  const { numbers, started, createdToDoneMs, doneToGoneMs } = await fromZeroToZero(installation, at);
  const [empty, waiting, after] = numbers.map(({ desired, missing }) => `${desired} (${missing} missing)`);
  const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
  say(`PostgreSQL ${installation.postgres.version}`);
  say(`desired workers: ${empty} with nothing to do, ${waiting} after one create, ${after} in the end`);
  say(
    `started: ${started[0]} before the create; by two ticks at once after it: ${started.slice(1).join(" and ")}`,
  );
  say(
    `create to finished video ${seconds(createdToDoneMs)}; that to the end of the worker ${seconds(doneToGoneMs)}`,
  );
  check(empty === "0 (0 missing)" && after === empty, "A worker was wanted for nothing.");
  check(waiting === "1 (1 missing)", "One video did not ask for one worker.");
  check(started[0] === 0 && (started[1] ?? 0) + (started[2] ?? 0) === 1, "Not exactly one was started.");

  const stops = Number(values.stops);
  const report = await stopMidJob(installation, at, { stops, random: seeded(Number(values.seed)) });
  const { videos, completed, lost, handedBack, burnt, badExits, chargedTwice, faults } = report;
  say(
    `${stops} workers told to stop in the middle of a video: ${handedBack} hand-backs, ${burnt} attempts burnt, ` +
      `${lost} videos lost, ${completed} of ${videos} completed, ${chargedTwice} charged twice, ` +
      `${badExits} exits other than 0`,
  );
  for (const fault of faults) say(fault);
  check(lost === 0 && faults.length === 0 && completed === videos, "Something was lost.");
  check(burnt === 0 && badExits === 0, "A stop counted as a failure.");
  await close();
} finally {
  await installation.close();
}
for (const sentence of failures) say(sentence);
process.exitCode = failures.length > 0 ? 1 : 0;
