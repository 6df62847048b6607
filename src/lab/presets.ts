/** What MixCache's presets were measured to give on a model: a small file beside its profiles. */

import { readFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { PRESETS, type Preset } from "../engine/cache/mixcache/index.ts";
import { invalid } from "../errors.ts";
import type { Cells } from "./cells.ts";
import type { Contestant } from "./contestants.ts";
import type { Plan } from "./plan.ts";
import { type Row, tableOf } from "./table.ts";

export const PRESETS_FORMAT = "mixcache.presets/1";

const names = Object.keys(PRESETS) as [Preset, ...Preset[]];
const spread = z.strictObject({
  mean: z.number(),
  p10: z.number().describe("a tenth of the videos are below"),
});

export const presetsSchema = z.strictObject({
  format: z.literal(PRESETS_FORMAT),
  bundle: z.strictObject({ id: z.string(), digest: z.string() }),
  made: z.strictObject({ at: z.string(), commit: z.string().optional() }),
  num_inference_steps: z.int().positive(),
  prompts: z.strictObject({
    name: z.string(),
    count: z.int().positive(),
    seeds: z.int().positive().describe("how many of each prompt"),
  }),
  presets: z.array(
    z.strictObject({
      preset: z.enum(names),
      speed: z.number().describe("what it asks for"),
      computed_speedup: z.number().describe("FLOPs of the uncached videos over those of these"),
      real_speedup: z.number().optional().describe("of the DiT's time, median; absent if not timed"),
      psnr: spread.describe("in dB, against the uncached video"),
      ssim: spread,
      haarpsi: spread,
    }),
  ),
});

export type PresetsFile = z.infer<typeof presetsSchema>;

/**
 * The measured presets of an experiment in which they took part: `mixcache:preset=high`, with no other option.
 * @throws MixcacheError `invalid_argument` where none did
 */
export function presetTable(plan: Plan, cells: Cells): PresetsFile {
  const rows = new Map(tableOf(plan, cells).map((row) => [row.label, row]));
  const presets = names.flatMap((preset) => {
    const who = plan.contestants.find((contestant) => presetOf(contestant) === preset);
    const row = who && rows.get(who.label);
    return row ? [entryOf(preset, row)] : [];
  });
  if (presets.length === 0)
    invalid(
      "presets",
      `No preset took part in this experiment. Run mixcache bench --policies ${presetPolicies()}.`,
    );
  const { made, bundle, num_inference_steps, groups } = plan;
  return {
    format: PRESETS_FORMAT,
    bundle: { id: bundle.id, digest: bundle.digest },
    made,
    num_inference_steps,
    prompts: {
      name: plan.prompts,
      count: new Set(groups.map(({ prompt }) => prompt)).size,
      seeds: new Set(groups.map(({ seed }) => seed)).size,
    },
    presets,
  };
}

/** What `mixcache bench --policies` is told to measure all presets. */
export function presetPolicies(): string {
  return names.map((preset) => `mixcache:preset=${preset}`).join(",");
}

/** Where in a folder of profiles a bundle's measured presets are. */
export function presetsPath(folder: string, bundleDigest: string): string {
  return path.join(folder, bundleDigest, "presets.json");
}

/**
 * A bundle's measured presets, from the first folder that has them; undefined where none does.
 * @throws MixcacheError `invalid_argument` for a file that is not of this format or of another bundle
 */
export async function findPresets(
  folders: readonly string[],
  bundleDigest: string,
): Promise<PresetsFile | undefined> {
  for (const folder of folders) {
    const file = presetsPath(folder, bundleDigest);
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) return readPresets(text, file, bundleDigest);
  }
  return undefined;
}

function readPresets(text: string, file: string, bundleDigest: string): PresetsFile {
  const parsed = presetsSchema.safeParse(json(text));
  if (parsed.success && parsed.data.bundle.digest === bundleDigest) return parsed.data;
  return invalid(
    "presets",
    `${file} is cut off, of another format than ${PRESETS_FORMAT}, or of another bundle. Remove it, and measure anew.`,
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The preset that a contestant is, and is nothing but. */
function presetOf({ cache, num_inference_steps }: Contestant): unknown {
  const { policy, preset, ...others } = cache;
  const alone = Object.keys(others).length === 0 && num_inference_steps === undefined;
  return policy === "mixcache" && alone ? preset : undefined;
}

function entryOf(preset: Preset, { metrics, speed }: Row): PresetsFile["presets"][number] {
  const of = (name: "psnr" | "ssim" | "haarpsi") => {
    const { mean = Number.NaN, p10 = Number.NaN } = metrics[name] ?? {};
    return { mean: short(mean), p10: short(p10) };
  };
  return {
    preset,
    speed: PRESETS[preset],
    computed_speedup: short(speed.computed),
    ...(speed.real !== undefined && { real_speedup: short(speed.real) }),
    psnr: of("psnr"),
    ssim: of("ssim"),
    haarpsi: of("haarpsi"),
  };
}

function short(value: number): number {
  return Number(value.toPrecision(5));
}
