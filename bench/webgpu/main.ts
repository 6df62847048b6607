/**
 * Benchmark of tensors that stay on the GPU: `npm run bench:webgpu -- [--bundle folder] [--rounds n]`.
 *
 * Without a GPU, Chromium's SwiftShader stands in: `VK_ICD_FILENAMES=/usr/lib/chromium/vk_swiftshader_icd.json`.
 */

import { parseArgs } from "node:util";
import { invalid, messageOf } from "../../src/errors.ts";
import { FolderFiles, openOnnxNode, readBundle } from "../../src/node/index.ts";
import { toyFolder } from "../../test/support/toy-folder.ts";
import { describeMachine, loadNow, machine } from "../engine/machine.ts";
import { chain } from "./chain.ts";

const GOAL = 1.1;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { bundle: { type: "string" }, rounds: { type: "string", default: "20" } },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) invalid("rounds", "--rounds must be a whole number from 1.");
  const load = loadNow();
  const toy = values.bundle === undefined ? toyFolder() : undefined;
  try {
    const files = new FolderFiles(values.bundle ?? toy?.folder ?? "");
    const bundle = await readBundle(files);
    const runtime = await openOnnxNode(files, { threads: 1, device: "webgpu", wholly: () => true });
    const { times, graphs, downloads, downloadedBytes, difference } = await chain(bundle, runtime, rounds);
    const [low, high] = times.quartiles;
    process.stdout.write(
      `${describeMachine(machine(load))}\n` +
        `bundle ${bundle.manifest.id}, sha256:${bundle.digest}\n` +
        `Vulkan driver: ${process.env.VK_ICD_FILENAMES ?? "the system's"}\n\n` +
        `${graphs} segments / one graph: ${times.ratio.toFixed(3)} (goal: at most ${GOAL}; ` +
        `${times.ratio <= GOAL ? "holds" : "MISSED"}), quartiles ${low.toFixed(3)} to ${high.toFixed(3)}, ${rounds} rounds\n` +
        `median ${times.medianA.toFixed(1)} / ${times.medianB.toFixed(1)} ms, ` +
        `fastest ${times.fastestA.toFixed(1)} / ${times.fastestB.toFixed(1)} ms, by CPU time ${times.cpuRatio.toFixed(3)}\n` +
        `downloads between segments: ${downloads}, ${downloadedBytes} bytes\n` +
        `outputs differ by ${difference.toExponential(1)} of the largest value\n`,
    );
  } finally {
    toy?.remove();
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench:webgpu: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
