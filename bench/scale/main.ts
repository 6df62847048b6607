/**
 *     npm run bench:scale [-- --job-seconds 60 --price 2 --losses 0.05 --speed 2 --videos 100000 --seed 1]
 *
 * The tables of docs/scale.md: how long videos wait and what they cost on 8 to 10,000 GPUs, with and without MixCache,
 * by a simulation whose inputs are measured where that was possible and assumed where not (inputs.ts).
 */

import { parseArgs } from "node:util";
import { quantile } from "../../src/engine/metrics/statistics.ts";
import { seeded } from "../../test/support/random.ts";
import { meanWait } from "./erlang.ts";
import { ASSUMED, MEASURED_START_SECONDS, measuredCaching, timeWith } from "./inputs.ts";
import { type Fleet, type Outcome, simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: {
    "job-seconds": { type: "string", default: String(ASSUMED.jobSeconds) },
    price: { type: "string", default: String(ASSUMED.dollarsPerHour) },
    losses: { type: "string", default: String(ASSUMED.lossesPerHour) },
    speed: { type: "string", default: "2" },
    videos: { type: "string", default: "100000" },
    seed: { type: "string", default: "1" },
  },
});
const jobSeconds = Number(values["job-seconds"]);
const caching = await measuredCaching(Number(values.speed));

/** A cell has this many GPUs at the most; nothing is shared between cells, and nothing spills. */
const CELL = 1000;
/** Accounts do not spread over cells evenly: the fullest has this much more work than the mean, the emptiest less. */
const UNEVEN = 0.1;

const [shortest, longest] = ASSUMED.machineSeconds;
const meanLength = ASSUMED.lengths.reduce((sum, one) => sum + one, 0) / ASSUMED.lengths.length;
const say = (line = "") => process.stdout.write(`${line}\n`);

/** Everything but the number of GPUs and what they do. @param time a video's, in units of its time without a cache */
function conditions(time: number, videos: number, seed: number): Omit<Fleet, "gpus" | "arrivalsPerSecond"> {
  return {
    jobSeconds: (random) => {
      const length = ASSUMED.lengths[Math.floor(random() * ASSUMED.lengths.length)] ?? meanLength;
      return (jobSeconds * time * length) / meanLength;
    },
    startSeconds: (random) =>
      shortest + (longest - shortest) * random() + ASSUMED.fetchSeconds + MEASURED_START_SECONDS,
    lossesPerSecond: Number(values.losses) / 3600,
    handBackSeconds: ASSUMED.handBackSeconds,
    videos,
    random: seeded(seed),
  };
}

/** One row: a fleet, of one cell or of ten. */
function outcomeOf(gpus: number, load: number, time: number, isScaled: boolean): Outcome {
  const cells = Math.ceil(gpus / CELL);
  const outcomes = Array.from({ length: cells }, (_, cell) => {
    const share = cells === 1 ? 1 : 1 + UNEVEN * ((2 * cell) / (cells - 1) - 1);
    const perCell = gpus / cells;
    return simulate({
      ...conditions(
        time,
        Math.round(Number(values.videos) / (cells > 1 ? 2 : 1)),
        Number(values.seed) + cell,
      ),
      gpus: perCell,
      arrivalsPerSecond: (share * load * perCell) / jobSeconds,
      ...(isScaled && {
        scaling: {
          meanJobSeconds: jobSeconds * time,
          targetWaitSeconds: ASSUMED.targetWaitSeconds,
          tickSeconds: ASSUMED.tickSeconds,
        },
      }),
    });
  });
  return together(outcomes);
}

/** Cells weigh as much as the GPUs that they hold. */
function together(outcomes: readonly Outcome[]): Outcome {
  const gpus = outcomes.reduce((sum, one) => sum + one.gpus, 0);
  const perSecond = outcomes.reduce((sum, one) => sum + one.gpus / one.gpuSecondsPerVideo, 0);
  return {
    waits: outcomes.flatMap((one) => one.waits),
    gpus,
    gpuSecondsPerVideo: gpus / perSecond,
    utilisation: outcomes.reduce((sum, one) => sum + one.utilisation * one.gpus, 0) / gpus,
    lostAttempts: outcomes.reduce((sum, one) => sum + one.lostAttempts, 0) / outcomes.length,
  };
}

function row(name: readonly string[], outcome: Outcome): string {
  const { waits, gpus, utilisation, gpuSecondsPerVideo, lostAttempts } = outcome;
  const dollars = (gpuSecondsPerVideo / 3600) * Number(values.price);
  const seconds = (share: number) => Math.max(quantile(waits, share), 0).toFixed(1);
  const cells = [
    seconds(0.5),
    seconds(0.99),
    gpus.toFixed(0),
    `${(utilisation * 100).toFixed(0)} %`,
    `${(lostAttempts * 100).toFixed(2)} %`,
  ];
  return `| ${[...name, ...cells, `$${dollars.toFixed(4)}`].join(" | ")} |`;
}

const HEAD = [
  "| GPUs | videos/h | MixCache | wait p50, s | wait p99, s | GPUs paid for | of that, used | attempts lost | a video |",
  "| ---: | -------: | -------- | ----------: | ----------: | ------------: | ------------: | ------------: | ------: |",
].join("\n");

const with_ = timeWith(caching);
say(
  `A video takes ${jobSeconds} GPU seconds without a cache (assumed) and ${(jobSeconds * with_).toFixed(1)} with MixCache at ${values.speed}×: ` +
    `the denoiser is ${caching.denoiser.toFixed(2)}× as fast, ${(caching.outside * 100).toFixed(1)} % of a video are no denoiser (both measured, embedded model).`,
);
say(
  `Start of a worker: ${shortest} to ${longest} s for a machine, ${ASSUMED.fetchSeconds} s for the model (assumed), ` +
    `${MEASURED_START_SECONDS} s for the process (measured). Losses: ${values.losses} an hour and GPU. A GPU hour: $${values.price}.`,
);

const startSeconds = [shortest, longest].map((one) => one + ASSUMED.fetchSeconds + MEASURED_START_SECONDS);
say(
  `A first video, when nothing runs: waits ${startSeconds[0]} to ${(startSeconds[1] ?? 0) + ASSUMED.tickSeconds} s.`,
);

say("\nTheory: mean wait in job times, jobs that vary exponentially\n");
say("| GPUs | load 80 % | 90 % | 95 % | 99 % |\n| ---: | ---: | ---: | ---: | ---: |");
for (const gpus of [8, 100, 1000]) {
  const waits = [0.8, 0.9, 0.95, 0.99].map((load) => meanWait(gpus, load).toPrecision(2));
  say(`| ${gpus} | ${waits.join(" | ")} |`);
}

for (const isScaled of [false, true]) {
  say(isScaled ? "\nScaled by the number, the same demand\n" : "\nAlways on, the same load of 80 %\n");
  say(HEAD);
  for (const gpus of [8, 100, 1000, 10_000])
    for (const time of [1, with_]) {
      const load = isScaled ? 0.8 : 0.8 / time;
      const perHour = ((load * gpus) / jobSeconds) * 3600;
      const name = [String(gpus), perHour.toFixed(0), time === 1 ? "off" : `${values.speed}×`];
      say(row(name, outcomeOf(gpus, load, time, isScaled)));
    }
}
