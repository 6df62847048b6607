/** What `bench` and `bench tune` share: options, and an engine to work with. */

import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Command, Option } from "commander";
import packageJson from "../../package.json" with { type: "json" };
import { invalid } from "../errors.ts";
import {
  type BaseRequest,
  engineVersion,
  isPromptSet,
  type LabPrompt,
  PROMPT_SETS,
  promptSet,
  readPrompts,
} from "../lab/index.ts";
import { EMBEDDED_BUNDLE } from "../node/index.ts";
import { number, threads as threadCount } from "./options.ts";
import { withRunOptions } from "./run-options.ts";

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

/** Options that `bench` and `bench tune` share. */
export function withExperimentOptions(command: Command, prompts: string, output: string): Command {
  const sample = command
    .option("--prompts <set>", `${PROMPT_SETS.join(", ")}, or a JSON file`, prompts)
    .option("--count <number>", "only the first prompts of the set", number("count"))
    .option("--seeds <list>", "seeds of the noise", seedList, [0]);
  return withRunOptions(sample)
    .option(
      "-o, --output <folder>",
      "where results and report are kept; a run that was cut off goes on",
      output,
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

/** What is said when an experiment is stopped. */
export function interrupted({ output }: Pick<ExperimentOptions, "output">): string {
  return `Stopped. What was made is kept in ${output}; the same command goes on from there.`;
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

/** What every video of an experiment or a calibration is asked for, besides its prompt. */
export function baseOf({
  steps,
  guidance,
  size,
  frames,
  scheduler,
}: Pick<ExperimentOptions, "steps" | "guidance" | "size" | "frames" | "scheduler">): BaseRequest {
  return {
    ...(steps !== undefined && { num_inference_steps: steps }),
    ...(guidance !== undefined && { guidance_scale: guidance }),
    ...(size && { width: size.width, height: size.height }),
    ...(frames !== undefined && { num_frames: frames }),
    ...(scheduler && { scheduler }),
  };
}

/** @throws MixcacheError `invalid_argument` that names the option */
export function promptsOf({ prompts, count }: Pick<ExperimentOptions, "prompts" | "count">): LabPrompt[] {
  const all = isPromptSet(prompts) ? promptSet(prompts) : readPrompts(readJson("prompts", prompts), prompts);
  if (count === undefined) return all;
  if (!(Number.isInteger(count) && count >= 1 && count <= all.length))
    invalid(
      "count",
      `--count is ${count}; ${prompts} has ${all.length} prompts. Give a whole number up to that.`,
    );
  return all.slice(0, count);
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

/** @throws MixcacheError `invalid_argument` that names the option */
export function readJson(option: string, file: string): unknown {
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
