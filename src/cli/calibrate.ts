/** `mixcache calibrate`: measures on a set of prompts what cache policies need to know of a model. */

import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Command } from "commander";
import { readConfig } from "../config/index.ts";
import { readBundle } from "../engine/bundle/read.ts";
import { type Profile, profileKey } from "../engine/cache/profile.ts";
import { requireFit } from "../engine/cache/profile-fit.ts";
import { resolveSettings } from "../engine/settings.ts";
import { invalid, MixcacheError } from "../errors.ts";
import { calibrate } from "../lab/index.ts";
import { assertWritable, writeFileAtomically } from "../media/index.ts";
import { EMBEDDED_BUNDLE, FolderFiles, profilePath, profileText, readProfileFile } from "../node/index.ts";
import { baseOf, type ExperimentOptions, promptsOf } from "./bench-options.ts";
import { withEngine } from "./engine.ts";
import { bundleFolder, number, threads as threadCount } from "./options.ts";
import { profileSummary } from "./profile-summary.ts";
import { withRunOptions } from "./run-options.ts";

interface CalibrateOptions
  extends Pick<
    ExperimentOptions,
    "count" | "steps" | "guidance" | "size" | "frames" | "scheduler" | "variant" | "threads"
  > {
  readonly prompts?: string;
  readonly output?: string;
  readonly work?: string;
  readonly lags: number;
  readonly quick?: boolean;
  readonly check?: string;
}

/** Impacts take most of the time and vary little between prompts. */
const IMPACT_PROMPTS = 8;
const QUICK_PROMPTS = 4;
const MOST_LAGS = 50;

const EXAMPLES = `
Examples:
  mixcache calibrate                                     Shapes, on the prompts that come along
  mixcache calibrate wan-1.3b --prompts prompts.json --steps 50 --lags 6
  mixcache calibrate --quick --steps 20
  mixcache calibrate --check profile.json --steps 20`;

export function calibrateCommand(): Command {
  const command = new Command("calibrate")
    .description("Measure what cache policies need to know of a model, and write it as a profile.")
    .argument("[bundle]", "folder of the bundle (default: Shapes, the one that comes along)")
    .option("--prompts <file>", "a JSON list of texts (default for Shapes: those that come along)")
    .option("--count <number>", "only the first prompts", number("count"));
  return withRunOptions(command)
    .option("--lags <number>", "the longest reuse that is measured; each takes memory", number("lags"), 12)
    .option("--quick", `${QUICK_PROMPTS} prompts, and no impacts`)
    .option("-o, --output <file>", "the profile (default: in PROFILES, where every run finds it)")
    .option("--work <folder>", "where each prompt's share is kept (default: work in PROFILES)")
    .option("--variant <name>", "one of the model's variants, such as another precision")
    .option("--threads <number>", "threads of the engine (default: THREADS, or all cores)", threadCount)
    .option("--check <file>", "measure nothing; say whether this profile fits these settings")
    .addHelpText("after", EXAMPLES)
    .action((bundle: string = EMBEDDED_BUNDLE, options: CalibrateOptions) =>
      options.check === undefined ? run(bundle, options) : check(bundle, options.check, options),
    );
}

async function run(bundle: string, options: CalibrateOptions): Promise<void> {
  const { lags, quick = false, output } = options;
  if (!(Number.isInteger(lags) && lags >= 1 && lags <= MOST_LAGS))
    invalid("lags", `--lags is ${lags}; give a whole number from 1 to ${MOST_LAGS}.`);
  const prompts = promptsFor(bundleFolder(bundle), options);
  const { profiles } = readConfig();
  const work = options.work ?? path.join(profiles, "work");
  if (output !== undefined) await assertWritable(output);
  const stopped = `Stopped. What was measured is kept in ${work}; the same command goes on from there.`;
  await withEngine({ ...options, bundle }, stopped, async (engine, signal, status) => {
    const profile = await calibrate({
      engine,
      base: baseOf(options),
      prompts,
      lags,
      impactPrompts: quick ? 0 : IMPACT_PROMPTS,
      work,
      signal,
      onProgress: ({ fraction, prompt, prompts: all }) => status.prompts(fraction, prompt, all),
    });
    const file = output ?? (await placeFor(profile, profiles));
    await writeFileAtomically(file, Buffer.from(profileText(profile)));
    status.clear();
    process.stdout.write(`${profileSummary(profile)}\n\n${file}\n`);
  });
}

function promptsFor(bundle: string, { prompts, count, quick }: CalibrateOptions): string[] {
  const embedded = path.resolve(bundle) === EMBEDDED_BUNDLE;
  const from =
    prompts ??
    (embedded
      ? "calibration"
      : invalid(
          "prompts",
          "Prompts for this model are needed, since the profile is of what they show. Give --prompts a JSON list of texts, 8 or more.",
        ));
  const most = quick ? QUICK_PROMPTS : undefined;
  const all = promptsOf({ prompts: from, ...(count !== undefined && { count }) });
  return all.slice(0, count === undefined ? most : undefined).map(({ prompt }) => prompt);
}

async function placeFor(profile: Profile, folder: string): Promise<string> {
  const file = profilePath(folder, profile.key);
  await mkdir(path.dirname(file), { recursive: true }).catch((cause) => {
    throw new MixcacheError("output_unwritable", `The folder ${path.dirname(file)} can't be made.`, {
      cause,
    });
  });
  return file;
}

async function check(folder: string, file: string, options: CalibrateOptions): Promise<void> {
  const found = await readProfileFile(file);
  if (!found) invalid("check", `--check ${file} does not exist. Give a file that mixcache calibrate wrote.`);
  const { manifest, digest } = await readBundle(new FolderFiles(bundleFolder(folder)));
  const settings = resolveSettings(manifest, { ...baseOf(options), prompt: "any" });
  requireFit(found.profile, profileKey(digest, settings), file);
  process.stdout.write(`${file} fits.\n${profileSummary(found.profile)}\n`);
}
