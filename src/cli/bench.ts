/** `mixcache bench`: cache policies against each other, on the same noise. */

import { existsSync } from "node:fs";
import path from "node:path";
import { Command } from "commander";
import { invalid, MixcacheError } from "../errors.ts";
import {
  type ContestantsFile,
  checkContestants,
  PLAN_FILE,
  type Plan,
  parsePolicies,
  parseShard,
  readContestants,
  readPlan,
  runExperiment,
  type Shard,
  Store,
  verify,
  writeReport,
} from "../lab/index.ts";
import type { EngineChild } from "../node/index.ts";
import {
  type ExperimentOptions,
  experimentOf,
  interrupted,
  readJson,
  withExperimentOptions,
} from "./bench-options.ts";
import { tuneCommand } from "./bench-tune.ts";
import { withEngine } from "./engine.ts";
import { number } from "./options.ts";
import { benchPresetsCommand } from "./presets.ts";
import type { StatusLine } from "./status.ts";

interface BenchOptions extends ExperimentOptions {
  readonly policies?: string;
  readonly contestants?: string;
  readonly shard?: Shard;
  readonly focus?: string;
  readonly verify?: number;
  readonly tolerance: number;
}

interface ReportOptions {
  readonly focus?: string;
  readonly archive?: boolean;
  readonly json?: boolean;
}

const EXAMPLES = `
Examples:
  mixcache bench --policies step-reduction:speed=2,teacache:threshold=0.1 --count 4 --output report
  mixcache bench --contestants tuned.json --prompts test --seeds 0,1 --output report
  mixcache bench --contestants tuned.json --shard 1/2 --output part-1
  mixcache bench --verify 5% --output report
  mixcache bench tune --targets 1.5,2,2.5,3 --output tuning
  mixcache bench report report`;

export function benchCommand(): Command {
  return withExperimentOptions(new Command("bench").enablePositionalOptions(), "test", "report")
    .description("Compare cache policies: quality against speed, on the same prompts and noise.")
    .option("--policies <list>", "policies with options: teacache:threshold=0.1,step-reduction:speed=2")
    .option("--contestants <file.json>", "the same as a file, such as mixcache bench tune writes")
    .option(
      "--shard <part>",
      "one part of the work, such as 2/4; merge by copying the folders together",
      parseShard,
    )
    .option("--focus <policy>", "whose differences to the others are shown (default: mixcache)")
    .option(
      "--verify <share>",
      "then make a random share of the results again, such as 5%; they must match",
      percent,
    )
    .option(
      "--tolerance <dB>",
      "how far a PSNR may be off on another kind of machine",
      number("tolerance"),
      0,
    )
    .addHelpText("after", EXAMPLES)
    .action(bench)
    .addCommand(tuneCommand())
    .addCommand(reportCommand())
    .addCommand(benchPresetsCommand());
}

function reportCommand(): Command {
  return new Command("report")
    .description("Write the report of a folder anew, without running anything.")
    .argument("<folder>", "what an experiment wrote")
    .option("--focus <policy>", "whose differences to the others are shown (default: mixcache)")
    .option("--archive", "also pack all results into one file, which can stand in for the folder of runs")
    .option("--json", "print the report as JSON on stdout")
    .action(async (folder: string, options: ReportOptions) => {
      if (!existsSync(folder))
        invalid("output", `The folder ${folder} does not exist. Give one that bench wrote.`);
      await report(await Store.open(folder), options);
    });
}

async function bench(options: BenchOptions): Promise<void> {
  const { policies, contestants, verify: share } = options;
  const runs = policies !== undefined || contestants !== undefined;
  if (!runs && share === undefined)
    invalid("policies", "Say who takes part, by --policies or --contestants; or --verify what is there.");
  if (!runs) mustExist(options.output);
  const store = await Store.open(options.output);
  // Another number of threads rounds differently.
  const threads = options.threads ?? (runs ? undefined : (await planOf(store)).engine.threads);
  const engineFor = { ...options, ...(threads !== undefined && { threads }) };
  await withEngine(engineFor, interrupted(options), async (engine, signal, status) => {
    if (runs) await runAll(options, store, engine, signal, status);
    if (share !== undefined) await verifySome(options, store, engine, signal, status);
  });
  // A committed folder has no strips; its page would lose its videos.
  if (runs) await report(store, options);
}

async function runAll(
  options: BenchOptions,
  store: Store,
  engine: EngineChild,
  signal: AbortSignal,
  status: StatusLine,
): Promise<void> {
  const { manifest } = await engine.info();
  const experiment = experimentOf(options);
  const found = contestantsOf(options, options.steps ?? manifest.default_steps);
  checkContestants(manifest, experiment.base, found.contestants);
  await runExperiment({
    ...experiment,
    ...found,
    engine,
    store,
    timed: true,
    signal,
    ...(options.shard && { shard: options.shard }),
    onProgress: ({ done, total, label }) => status.videos(done, total, label),
  });
}

async function verifySome(
  { verify: share = 1, tolerance }: BenchOptions,
  store: Store,
  engine: EngineChild,
  signal: AbortSignal,
  status: StatusLine,
): Promise<void> {
  const plan = await planOf(store);
  const { digest } = await engine.info();
  if (digest !== plan.bundle.digest)
    invalid(
      "bundle",
      `${store.folder} holds results of ${plan.bundle.title} with another digest. Give its --bundle.`,
    );
  const { checked, differences } = await verify({
    engine,
    store,
    plan,
    share,
    tolerance,
    signal,
    onProgress: ({ done, total, label }) => status.videos(done, total, label),
  });
  for (const { sentence } of differences) status.say(sentence);
  if (differences.some(({ allowed }) => !allowed)) {
    throw new MixcacheError(
      "results_differ",
      `Of ${checked} results that were made again, ${differences.length} differ from ${store.folder}, ` +
        `which was made on ${plan.engine.machine} by ${plan.engine.version}.`,
    );
  }
  status.say(
    `${checked} results were made again: ${checked - differences.length} are the same to the last bit.`,
  );
}

function contestantsOf(
  { policies, contestants }: BenchOptions,
  steps: number,
): Omit<ContestantsFile, "format"> {
  if ((policies === undefined) === (contestants === undefined))
    invalid("policies", "Say who takes part: either --policies or --contestants.");
  if (contestants !== undefined) return readContestants(readJson("contestants", contestants), contestants);
  return { contestants: parsePolicies(policies ?? "", steps), unreachable: [], trials: [] };
}

async function report(store: Store, { focus, archive, json }: ReportOptions): Promise<void> {
  const written = await writeReport(await planOf(store), store, {
    ...(focus !== undefined && { focus }),
    ...(archive && { archive }),
  });
  if (json) process.stdout.write(`${JSON.stringify(written, null, 2)}\n`);
  else process.stdout.write(`${path.join(store.folder, "index.html")}: ${written.videos.there} videos\n`);
}

async function planOf(store: Store): Promise<Plan> {
  return readPlan(await store.readJson(PLAN_FILE), store.folder);
}

function mustExist(folder: string): void {
  if (!existsSync(folder))
    invalid("output", `The folder ${folder} does not exist. Give one that bench wrote.`);
}

/** "5%" as 0.05 */
function percent(text: string): number {
  const value = Number(/^([\d.]+) ?%$/.exec(text)?.[1]);
  if (!(value > 0 && value <= 100)) invalid("verify", `--verify is “${text}”; write a share such as 5%.`);
  return value / 100;
}
