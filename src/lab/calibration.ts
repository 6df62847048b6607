/**
 * A calibration from prompts to a profile. What each prompt gives is kept in a folder, so that one that was cut off
 * goes on where it was, and one with more prompts measures only those that are new.
 */

import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import path from "node:path";
import { type Profile, type ProfileKey, profileKey } from "../engine/cache/profile.ts";
import { type MeasureOptions, stepsToMeasure } from "../engine/calibration/measure.ts";
import { MEASURED_FORMAT, type Measured, measuredSchema } from "../engine/calibration/measured.ts";
import { mergeMeasured } from "../engine/calibration/merge.ts";
import { resolveSettings, type Settings } from "../engine/settings.ts";
import { MixcacheError } from "../errors.ts";
import { writeFileAtomically } from "../media/index.ts";
import type { EngineChild, EngineInfo } from "../node/index.ts";
import { digestOf } from "./digest.ts";
import type { BaseRequest } from "./plan.ts";

export interface CalibrationProgress {
  /** Of what is still to be measured, 0 to 1; steps count, as prompts do not cost the same. */
  readonly fraction: number;
  /** The prompt that is being measured, from 1, and how many there are. */
  readonly prompt: number;
  readonly prompts: number;
}

export interface CalibrationOptions {
  readonly engine: Pick<EngineChild, "info" | "measure">;
  readonly base: BaseRequest;
  /** At least one. Each is measured from a noise of its own: its place in the list is the seed. */
  readonly prompts: readonly string[];
  /** As the engine has it. */
  readonly lags: number;
  /** Of how many prompts, from the first, the impacts are measured. */
  readonly impactPrompts: number;
  /** Where each prompt's share is kept. */
  readonly work: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CalibrationProgress) => void;
}

/** One prompt's share. */
interface Share {
  readonly settings: Settings;
  readonly options: MeasureOptions;
  readonly file: string;
  readonly steps: number;
}

/**
 * Measures what is not there yet, and puts the profile together.
 * @throws MixcacheError of the engine, `aborted`, or of the disk
 */
export async function calibrate(options: CalibrationOptions): Promise<Profile> {
  const { engine, base, work, signal, onProgress } = options;
  const info = await engine.info();
  await mkdir(work, { recursive: true }).catch((cause) => {
    throw new MixcacheError("output_unwritable", `The folder ${work} can't be made.`, { cause });
  });
  const shares = sharesOf(options, info);
  const known = await Promise.all(shares.map(({ file }) => readShare(file)));
  const left = shares.reduce((sum, { steps }, i) => (known[i] ? sum : sum + steps), 0);
  let done = 0;
  const all: Measured[] = [];
  for (const [place, { settings, options: asked, file, steps }] of shares.entries()) {
    const tell = (fraction: number) =>
      onProgress?.({
        fraction: (done + fraction * steps) / left,
        prompt: place + 1,
        prompts: shares.length,
      });
    const found = known[place];
    if (found) {
      all.push(found);
      continue;
    }
    const measured = await engine.measure(requestOf(base, settings), asked, {
      ...(signal && { signal }),
      onProgress: (progress) => {
        if (progress.phase === "measure") tell(progress.fraction);
      },
    });
    await writeFileAtomically(file, Buffer.from(`${JSON.stringify(measured)}\n`));
    all.push(measured);
    done += steps;
  }
  const asked = shares.map(({ settings: { prompt, negativePrompt, seed } }) => [
    prompt,
    negativePrompt,
    seed.toString(),
  ]);
  return mergeMeasured(keyOf(info, shares), { count: asked.length, digest: digestOf(asked) }, all);
}

function requestOf(base: BaseRequest, { prompt, seed }: Settings) {
  return { ...base, prompt, seed };
}

function keyOf(info: EngineInfo, [first]: readonly Share[]): ProfileKey {
  if (!first) throw new MixcacheError("engine_failed", "A calibration needs at least one prompt.");
  return profileKey(info.digest, first.settings);
}

function sharesOf(
  { base, prompts, lags, impactPrompts, work }: CalibrationOptions,
  info: EngineInfo,
): readonly Share[] {
  return prompts.map((prompt, place): Share => {
    const settings = resolveSettings(info.manifest, { ...base, prompt, seed: place });
    const options = { lags, impacts: place < impactPrompts };
    const { backend, device, details } = info;
    const digest = digestOf({
      format: MEASURED_FORMAT,
      key: profileKey(info.digest, settings),
      engine: { backend, device, details },
      prompt,
      negative: settings.negativePrompt,
      seed: place,
      ...options,
    });
    return {
      settings,
      options,
      file: path.join(work, `${digest}.json`),
      steps: stepsToMeasure(info.manifest, settings, options),
    };
  });
}

/** What was measured before; a file that is not what it should be is one that was never there. */
async function readShare(file: string): Promise<Measured | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    return measuredSchema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch {
    return undefined;
  }
}
