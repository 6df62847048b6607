/**
 * Benchmark of the engine: `npm run bench:engine -- [--quick] [--json file] [--bundle folder]`.
 *
 * It measures and reports; a missed goal is no failure (machines differ), but anything that does not run is.
 */

import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { messageOf } from "../../src/errors.ts";
import { defaultThreads, EMBEDDED_BUNDLE, FolderFiles, readBundle } from "../../src/node/index.ts";
import { childFigures } from "./child.ts";
import { type Figure, holds, table } from "./figure.ts";
import { flopsFigure } from "./flops.ts";
import { describeMachine, loadNow, machine } from "./machine.ts";
import { partitionFigure } from "./partition.ts";
import { throughputFigure } from "./throughput.ts";

const PROMPT = "a red circle moves left on a blue background";
const THREADS = [1, 2];

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "string" },
      bundle: { type: "string", default: EMBEDDED_BUNDLE },
    },
  });
  const effort = { quick: values.quick };
  const load = loadNow();
  const started = performance.now();
  const files = new FolderFiles(values.bundle);
  const bundle = await readBundle(files);
  const figures: Figure[] = [];
  const measure = async (what: string, work: () => Promise<Figure | Figure[]>) => {
    process.stderr.write(`measuring ${what}\n`);
    figures.push(...[await work()].flat());
  };
  for (const threads of THREADS) {
    const at = `at ${threads} thread${threads > 1 ? "s" : ""}`;
    await measure(`segments against one graph ${at}`, () => partitionFigure(bundle, files, threads, effort));
    await measure(`the denoising loop against a MatMul ${at}`, () =>
      throughputFigure(bundle, files, threads, PROMPT, effort),
    );
  }
  await measure("FLOPs", () => flopsFigure(bundle));
  const options = { bundle: files.location, threads: defaultThreads() };
  await measure("the engine in its child process", () => childFigures(options, PROMPT, effort));

  const facts = machine(load);
  const seconds = Math.round((performance.now() - started) / 1000);
  process.stdout.write(
    `${describeMachine(facts)}\n` +
      `bundle ${bundle.manifest.id}, sha256:${bundle.digest}\n` +
      `${effort.quick ? "quick: proves that it runs, no figures to quote; " : ""}took ${seconds} s\n\n` +
      `${table(figures)}\n`,
  );
  if (values.json !== undefined) {
    const report = {
      machine: facts,
      bundle: { id: bundle.manifest.id, digest: bundle.digest },
      quick: effort.quick,
      figures: figures.map((figure) => ({ ...figure, holds: holds(figure) ?? null })),
    };
    await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
  }
}

try {
  await main();
} catch (error) {
  process.stderr.write(`bench:engine: ${messageOf(error)}\n`);
  process.exitCode = 1;
}
