/** May this profile be used for this run? */

import { MixcacheError, messageOf } from "../../errors.ts";
import { PROFILE_FORMAT, type Profile, type ProfileKey, profileSchema } from "./profile.ts";

/**
 * A profile from its file's text.
 * @param file its name, for the sentence
 * @throws MixcacheError `profile_invalid` where it is cut off or is no profile, `profile_mismatch` where it is of
 * another version
 */
export function readProfile(text: string, file: string): Profile {
  const json = parse(text, file);
  const format = typeof json === "object" && json !== null && "format" in json ? json.format : undefined;
  if (typeof format === "string" && format !== PROFILE_FORMAT && /^mixcache\.profile\//.test(format)) {
    throw new MixcacheError(
      "profile_mismatch",
      `The profile ${file} is of the format ${format}, and this version reads ${PROFILE_FORMAT}. Make it anew with mixcache calibrate.`,
    );
  }
  const parsed = profileSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    refuse(file, `is no profile (${issue?.path.join(".") || "at its top"}: ${issue?.message})`);
  }
  const short = tooShort(parsed.data);
  if (short) refuse(file, `does not have every step in ${short}`);
  return parsed.data;
}

/** What a profile was measured with, where it differs from a run: a sentence, or undefined where it fits. */
export function misfit(profile: Profile, key: ProfileKey, file: string): string | undefined {
  const [has, wants] = [profile.key, key];
  const differences = [
    differ("the bundle", has.bundle.slice(0, 12), wants.bundle.slice(0, 12)),
    differ("the scheduler", has.scheduler, wants.scheduler),
    differ("steps", has.steps, wants.steps),
    differ("the shape", shapeOf(has), shapeOf(wants)),
    differ("the guidance scale", guidanceOf(has), guidanceOf(wants)),
  ].filter((difference) => difference !== undefined);
  if (differences.length === 0) return undefined;
  const what = differences.join("; ");
  return `The profile ${file} was measured for another run: ${what}. Measure one for these settings with mixcache calibrate.`;
}

/** @throws MixcacheError `profile_mismatch` that says what differs */
export function requireFit(profile: Profile, key: ProfileKey, file: string): void {
  const sentence = misfit(profile, key, file);
  if (sentence !== undefined) throw new MixcacheError("profile_mismatch", sentence);
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    return refuse(file, `is cut off or is no JSON (${messageOf(error)})`);
  }
}

function refuse(file: string, why: string): never {
  throw new MixcacheError(
    "profile_invalid",
    `The profile ${file} ${why}. Copy it again, or make it anew with mixcache calibrate.`,
  );
}

/** The name of a table that has fewer or more steps than the profile says it was measured with. */
function tooShort({ key: { steps }, ...profile }: Profile): string | undefined {
  const tables: Record<string, readonly (readonly unknown[] | undefined)[]> = {
    magnitude_ratios: Object.values(profile.magnitude_ratios),
    reuse_costs: [profile.reuse_costs],
    deviations: Object.values(profile.deviations).flat(),
    held_deviations: Object.values(profile.held_deviations).flat(),
    deviation_quantiles: Object.values(profile.deviation_quantiles),
    changes: Object.values(profile.changes),
  };
  return Object.keys(tables).find((name) => tables[name]?.some((row) => row && row.length !== steps));
}

function differ(what: string, has: string | number, wants: string | number): string | undefined {
  return has === wants ? undefined : `${what} ${has} instead of ${wants}`;
}

function shapeOf({ width, height, frames }: ProfileKey): string {
  return `${width}x${height}x${frames}`;
}

function guidanceOf({ guidance_scales }: ProfileKey): string {
  return Object.values(guidance_scales).join(" and ");
}
