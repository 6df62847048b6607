/**
 * The real torch worker under disturbance, and for a thousand videos.
 *
 *     npm run faults:torch -- --videos 1000
 *
 * Needs Linux (it looks into /proc) and a Python with the packages of python/requirements.txt: MIXCACHE_PYTHON, or the
 * one that test:parity makes.
 */

import { parseArgs } from "node:util";
import { EnvironmentError, preparePython } from "../../scripts/python/environment.ts";
import { tinyWeights } from "../support/tiny-weights.ts";
import { torchDrills } from "./torch-drills.ts";
import { torchLeaks } from "./torch-leaks.ts";

/** What an allocator may keep without it being a leak: 1,000 videos of a tiny model make gigabytes of tensors. */
const MOST_GROWTH_BYTES = 16 * 2 ** 20;

const { values } = parseArgs({
  options: {
    videos: { type: "string", default: "1000" },
    "warm-up": { type: "string", default: "100" },
    "skip-drills": { type: "boolean", default: false },
  },
});

async function main(): Promise<boolean> {
  const { command } = await preparePython();
  const tiny = await tinyWeights(command);
  try {
    let fine = true;
    if (!values["skip-drills"]) {
      const drills = await torchDrills(command, tiny, ({ name, passed, told }) =>
        console.log(`${passed ? "ok    " : "FAILED"} ${name}: ${told}`),
      );
      fine = drills.every(({ passed }) => passed);
    }
    const report = await torchLeaks(command, tiny, Number(values.videos), Number(values["warm-up"]));
    const growth = ([from, to]: readonly [number, number]) =>
      `${megabytes(from)} → ${megabytes(to)} MiB (${((to - from) / 2 ** 20).toFixed(1)})`;
    console.log(
      `${report.videos} videos, ${report.aborted} of them stopped: ${report.tensors} tensors and ${report.bytesHeld} bytes ` +
        `left; worker ${growth(report.workerBytes)}, engine ${growth(report.ownBytes)}`,
    );
    const leaked = report.tensors > 0 || report.bytesHeld > 0;
    const grown = [report.workerBytes, report.ownBytes].some(([from, to]) => to - from > MOST_GROWTH_BYTES);
    return fine && !leaked && !grown;
  } finally {
    tiny.remove();
  }
}

function megabytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}

try {
  if (!(await main())) process.exitCode = 1;
} catch (error) {
  if (!(error instanceof EnvironmentError)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}
