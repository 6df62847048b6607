/** `mixcache bench tune`: finds the settings of each policy that give the speedups asked for. */

import path from "node:path";
import { Command } from "commander";
import { POLICIES } from "../engine/cache/policies.ts";
import { invalid } from "../errors.ts";
import {
  PLAN_FILE,
  parsePolicies,
  readPlan,
  STEP_REDUCTION,
  Store,
  tune,
  writeReport,
} from "../lab/index.ts";
import { type ExperimentOptions, experimentOf, interrupted, withExperimentOptions } from "./bench-options.ts";
import { withEngine } from "./engine.ts";
import { number } from "./options.ts";

interface TuneOptions extends ExperimentOptions {
  readonly policies?: string;
  readonly targets: readonly number[];
  readonly trials: number;
}

const CONTESTANTS_FILE = "contestants.json";

export function tuneCommand(): Command {
  return withExperimentOptions(new Command("tune"), "tuning", "tuning")
    .description("Find the settings of each policy that give the speedups asked for, in computed FLOPs.")
    .option(
      "--policies <list>",
      "policies with the options that stay as they are (default: all that have a dial)",
    )
    .option("--targets <list>", "speedups", speedups, [1.5, 2, 2.5, 3])
    .option("--trials <number>", "settings to try of each policy", number("trials"), 18)
    .action(run);
}

async function run(options: TuneOptions): Promise<void> {
  const { output, targets, trials } = options;
  if (!(Number.isInteger(trials) && trials >= 2))
    invalid("trials", `--trials is ${trials}; give a whole number of at least 2, the two ends of the dial.`);
  const store = await Store.open(output);
  await withEngine(options, interrupted(options), async (engine, signal, status) => {
    const { manifest } = await engine.info();
    const found = await tune({
      ...experimentOf(options),
      bases: parsePolicies(options.policies ?? everyDial(), options.steps ?? manifest.default_steps, {
        bare: true,
      }),
      targets,
      trialsEach: trials,
      engine,
      store,
      signal,
      onProgress: ({ done, total, label }) => status.waitFor(`video ${done} of ${total} (${label})`),
      onTrial: (label, speedup) => status.say(`${label}: ${speedup.toFixed(3)}×`),
    });
    for (const { family, target, nearest } of found.unreachable)
      status.say(`${family}: ${target}× is unreachable, the nearest is ${nearest.toFixed(2)}×.`);
    const text = `${JSON.stringify(found, null, 2)}\n`;
    await store.writeFile(CONTESTANTS_FILE, text);
    await writeReport(readPlan(await store.readJson(PLAN_FILE), output), store);
    if (options.json) process.stdout.write(text);
    else
      process.stdout.write(
        `${path.join(output, CONTESTANTS_FILE)}: ${found.contestants.length} contestants\n`,
      );
  });
}

function everyDial(): string {
  return [STEP_REDUCTION, ...POLICIES.filter(({ dial }) => dial).map(({ name }) => name)].join(",");
}

/** "1.5,2" @throws MixcacheError `invalid_argument` */
function speedups(text: string): number[] {
  const values = text.split(",").map(Number);
  if (!values.every((value) => value > 1 && value < 1000))
    invalid("targets", `--targets is “${text}”; write speedups above 1, such as 1.5,2,3.`);
  return values;
}
