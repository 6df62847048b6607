/** `mixcache replay`: the decisions of a trace, taken once more without the model. */

import { readFile } from "node:fs/promises";
import { Command, Option } from "commander";
import { readConfig } from "../config/index.ts";
import type { Bundle } from "../engine/bundle/read.ts";
import { readBundle } from "../engine/bundle/read.ts";
import { type FoundProfile, profileKey } from "../engine/cache/profile.ts";
import { replayTrace } from "../engine/replay-trace.ts";
import { resolveSettings } from "../engine/settings.ts";
import { readTrace, requestOfTrace } from "../engine/trace-file.ts";
import type { TraceFile } from "../engine/trace-schema.ts";
import { invalid, MixcacheError, messageOf } from "../errors.ts";
import { EMBEDDED_BUNDLE, FolderFiles, profileFinder } from "../node/index.ts";
import { bundleFolder } from "./options.ts";

interface ReplayOptions {
  readonly bundle: string;
  readonly profile?: string;
}

export function replayCommand(): Command {
  return new Command("replay")
    .description("Take the decisions of a trace once more, without the model, and compare.")
    .argument("<trace.json>", "what generate --trace wrote")
    .addOption(
      new Option("--bundle <folder>", "the model of the trace").default(
        EMBEDDED_BUNDLE,
        "Shapes, the one that comes along",
      ),
    )
    .option("--profile <file>", "the warm cache profile of the trace, where it is not found by itself")
    .action(replayFile);
}

async function replayFile(file: string, options: ReplayOptions): Promise<void> {
  const text = await readFile(file, "utf8").catch((error) =>
    invalid(
      "trace",
      `The trace ${file} can't be read (${messageOf(error)}). Give a file that --trace wrote.`,
    ),
  );
  const trace = readTrace(text, file);
  const bundle = await readBundle(new FolderFiles(bundleFolder(options.bundle)));
  if (bundle.digest !== trace.bundle.digest)
    invalid(
      "bundle",
      `The trace is of the bundle ${trace.bundle.id} with the digest ${trace.bundle.digest.slice(0, 12)}, and ` +
        `${options.bundle} has ${bundle.digest.slice(0, 12)}. Give its folder by --bundle.`,
    );
  const parting = replayTrace(trace, bundle, await profileOf(trace, bundle, options));
  const { policy } = trace.cache;
  if (!parting) {
    process.stdout.write(`identical: ${trace.steps.length} steps of ${policy}\n`);
    return;
  }
  const { step, what, recorded, replayed } = parting;
  throw new MixcacheError(
    "decisions_differ",
    `At step ${step} of ${trace.steps.length}, ${what} of ${policy} part: recorded ${JSON.stringify(recorded)}, ` +
      `replayed ${JSON.stringify(replayed)}.`,
  );
}

/** The profile that the policy had, and no other one. */
async function profileOf(
  trace: TraceFile,
  { manifest, digest }: Bundle,
  { profile }: ReplayOptions,
): Promise<FoundProfile | undefined> {
  if (trace.profile === null) return undefined;
  const { profiles } = readConfig();
  const find = profileFinder({ ...(profiles && { profiles }), ...(profile !== undefined && { profile }) });
  const found = await find(profileKey(digest, resolveSettings(manifest, requestOfTrace(trace))));
  if (found.digest !== trace.profile)
    invalid(
      "profile",
      `The trace was made with the profile ${trace.profile.slice(0, 12)}, and ` +
        `${found.digest === undefined ? "none was found" : `${found.digest.slice(0, 12)} was found`}. ` +
        "Give its file by --profile.",
    );
  return found;
}
