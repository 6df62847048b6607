/** `mixcache bench`: cache policies against each other, on the same noise. */

import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { Command, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { readConfig } from "../config.ts";
import { invalid } from "../errors.ts";
import {
  type BaseRequest,
  type ContestantsFile,
  engineVersion,
  isPromptSet,
  type LabPrompt,
  PLAN_FILE,
  PROMPT_SETS,
  parsePolicies,
  parseShard,
  promptSet,
  readContestants,
  readPlan,
  readPrompts,
  reportOf,
  runExperiment,
  type Shard,
  Store,
} from "../lab/index.ts";
import { EMBEDDED_BUNDLE, EngineChild } from "../node/index.ts";
import { engineOptions, interruptible } from "./engine.ts";
import { bundleFolder, number, size, threads as threadCount } from "./options.ts";
import { StatusLine } from "./status.ts";

/** What every kind of experiment can be told. */
export interface ExperimentOptions {
  readonly prompts: string;
  readonly count?: number;
  readonly seeds: readonly number[];
  readonly steps?: number;
  readonly guidance?: number;
  readonly size?: { readonly width: number; readonly height: number };
  readonly frames?: number;
  readonly scheduler?: "flow_match_euler" | "unipc" | "ddim";
  readonly output: string;
  readonly bundle: string;
  readonly variant?: string;
  readonly threads?: number;
  readonly engineVersion?: string;
  readonly json?: boolean;
}

interface BenchOptions extends ExperimentOptions {
  readonly policies?: string;
  readonly contestants?: string;
  readonly shard?: Shard;
  readonly focus?: string;
}

const EXAMPLES = `
Examples:
  mixcache bench --policies step-reduction:speed=2,teacache:threshold=0.1 --count 4 --output report
  mixcache bench --contestants tuned.json --prompts test --seeds 0,1 --output report
  mixcache bench --contestants tuned.json --shard 1/2 --output part-1
  mixcache bench report report`;

export function benchCommand(): Command {
  return withExperimentOptions(new Command("bench").enablePositionalOptions(), "test")
    .description("Compare cache policies: quality against speed, on the same prompts and noise.")
    .option("--policies <list>", "policies with options: teacache:threshold=0.1,step-reduction:speed=2")
    .option("--contestants <file.json>", "the same as a file, such as mixcache bench tune writes")
    .option(
      "--shard <part>",
      "one part of the work, such as 2/4; merge by copying the folders together",
      parseShard,
    )
    .option("--focus <policy>", "whose differences to the others are shown (default: mixcache)")
    .addHelpText("after", EXAMPLES)
    .action(bench)
    .addCommand(reportCommand());
}

function reportCommand(): Command {
  return new Command("report")
    .description("Write the report of a folder anew, without running anything.")
    .argument("<folder>", "what an experiment wrote")
    .option("--focus <policy>", "whose differences to the others are shown (default: mixcache)")
    .option("--json", "print the report as JSON on stdout")
    .action(async (folder: string, options: Pick<BenchOptions, "focus" | "json">) => {
      if (!existsSync(folder))
        invalid("output", `The folder ${folder} does not exist. Give one that bench wrote.`);
      await writeReport(await Store.open(folder), options);
    });
}

/** Options that `bench` and `bench tune` share. */
export function withExperimentOptions(command: Command, prompts: string): Command {
  return command
    .option("--prompts <set>", `${PROMPT_SETS.join(", ")}, or a JSON file`, prompts)
    .option("--count <number>", "only the first prompts of the set", number("count"))
    .option("--seeds <list>", "seeds of the noise", seedList, [0])
    .option("--steps <number>", "denoising steps (default: the model's)", number("steps"))
    .option("--guidance <number>", "guidance scale (default: the model's)", number("guidance"))
    .option("--size <WxH>", "width and height in pixels (default: the model's)", size)
    .option("--frames <number>", "number of frames (default: the model's)", number("frames"))
    .addOption(
      new Option("--scheduler <name>", "how to step through the noise").choices([
        "flow_match_euler",
        "unipc",
        "ddim",
      ]),
    )
    .option(
      "-o, --output <folder>",
      "where results and report are kept; a run that was cut off goes on",
      "report",
    )
    .addOption(
      new Option("--bundle <folder>", "the model").default(
        EMBEDDED_BUNDLE,
        "Shapes, the one that comes along",
      ),
    )
    .option("--variant <name>", "one of the model's variants, such as another precision")
    .option("--threads <number>", "threads of the engine (default: THREADS, or all cores)", threadCount)
    .option(
      "--engine-version <text>",
      "keep results of another version of the code: the one that they are of",
    )
    .option("--json", "print the report as JSON on stdout");
}

async function bench(options: BenchOptions): Promise<void> {
  const store = await Store.open(options.output);
  await withEngine(options, async (engine, signal, status) => {
    const { manifest } = await engine.info();
    const { contestants, unreachable, trials } = contestantsOf(
      options,
      options.steps ?? manifest.default_steps,
    );
    await runExperiment({
      ...experimentOf(options),
      engine,
      store,
      contestants,
      unreachable,
      trials,
      timed: true,
      signal,
      ...(options.shard && { shard: options.shard }),
      onProgress: ({ done, total, label }) => status.videos(done, total, label),
    });
  });
  await writeReport(store, options);
}

/** Starts an engine for some work, and stops it whatever happens. */
export async function withEngine(
  options: ExperimentOptions,
  work: (engine: EngineChild, signal: AbortSignal, status: StatusLine) => Promise<void>,
): Promise<void> {
  const status = new StatusLine(process.stderr);
  const { signal, dispose } = interruptible(
    `Stopped. What was made is kept in ${options.output}; the same command goes on from there.`,
  );
  let engine: EngineChild | undefined;
  const stopEngine = () => engine?.dispose();
  process.once("exit", stopEngine);
  try {
    status.waitFor("starting the engine");
    engine = await EngineChild.start(
      engineOptions(bundleFolder(options.bundle), readConfig(), options),
      signal,
    );
    await work(engine, signal, status);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    status.clear();
    dispose();
    stopEngine();
    process.off("exit", stopEngine);
  }
}

/** What an experiment is on, and where it is from. */
export function experimentOf(options: ExperimentOptions) {
  return {
    made: { at: new Date().toISOString(), ...commit() },
    version: options.engineVersion ?? engineVersion(packageJson.version),
    promptsName: options.prompts,
    prompts: promptsOf(options),
    seeds: options.seeds,
    base: baseOf(options),
  };
}

function baseOf({ steps, guidance, size, frames, scheduler }: ExperimentOptions): BaseRequest {
  return {
    ...(steps !== undefined && { num_inference_steps: steps }),
    ...(guidance !== undefined && { guidance_scale: guidance }),
    ...(size && { width: size.width, height: size.height }),
    ...(frames !== undefined && { num_frames: frames }),
    ...(scheduler && { scheduler }),
  };
}

function promptsOf({ prompts, count }: ExperimentOptions): LabPrompt[] {
  const all = isPromptSet(prompts) ? promptSet(prompts) : readPrompts(readJson("prompts", prompts), prompts);
  if (count === undefined) return all;
  if (!(Number.isInteger(count) && count >= 1 && count <= all.length))
    invalid(
      "count",
      `--count is ${count}; ${prompts} has ${all.length} prompts. Give a whole number up to that.`,
    );
  return all.slice(0, count);
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

async function writeReport(
  store: Store,
  { focus, json }: Pick<BenchOptions, "focus" | "json">,
): Promise<void> {
  const plan = readPlan(await store.readJson(PLAN_FILE), store.folder);
  const report = await reportOf(plan, store, focus);
  const text = `${JSON.stringify(report, null, 2)}\n`;
  await store.writeFile("report.json", text);
  if (json) process.stdout.write(text);
}

/** The commit of a checkout; a package has none. */
function commit(): { commit?: string } {
  try {
    const stdout = execFileSync("git", ["rev-parse", "HEAD"], {
      cwd: import.meta.dirname,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { commit: stdout.trim() };
  } catch {
    return {};
  }
}

function readJson(option: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return invalid(option, `--${option} ${file} is no file with JSON.`);
  }
}

/** "0,1,2" @throws MixcacheError `invalid_argument` */
function seedList(text: string): number[] {
  const seeds = text.split(",").map(Number);
  const whole = seeds.every((seed) => Number.isSafeInteger(seed) && seed >= 0);
  if (!whole || text.trim() === "" || new Set(seeds).size < seeds.length)
    invalid("seeds", `--seeds is “${text}”; write whole numbers, each once: 0,1,2.`);
  return seeds;
}
