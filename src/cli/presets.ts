/** `mixcache presets`: what MixCache's presets were measured to give; `mixcache bench presets` writes it down. */

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";
import { Command } from "commander";
import { readConfig } from "../config/index.ts";
import { readBundle } from "../engine/bundle/read.ts";
import { PRESETS } from "../engine/cache/mixcache/index.ts";
import { invalid } from "../errors.ts";
import {
  collect,
  findPresets,
  PLAN_FILE,
  type PresetsFile,
  presetPolicies,
  presetsPath,
  presetTable,
  readPlan,
  Store,
} from "../lab/index.ts";
import { writeFileAtomically } from "../media/index.ts";
import { EMBEDDED_BUNDLE, EMBEDDED_PROFILES, FolderFiles } from "../node/index.ts";
import { bundleFolder } from "./options.ts";

export function presetsCommand(): Command {
  return new Command("presets")
    .description("Say what MixCache's presets were measured to give on a model.")
    .argument("[bundle]", "folder of the bundle (default: Shapes, the one that comes along)")
    .option("--json", "print the measurements as JSON, or null where there are none")
    .action(async (folder: string = EMBEDDED_BUNDLE, { json }: { json?: boolean }) => {
      const { digest } = await readBundle(new FolderFiles(bundleFolder(folder)));
      const found = await findPresets([readConfig().profiles, EMBEDDED_PROFILES], digest);
      process.stdout.write(
        json ? `${JSON.stringify(found ?? null, null, 2)}\n` : describePresets(found, folder),
      );
    });
}

export function benchPresetsCommand(): Command {
  return new Command("presets")
    .description("Write down what an experiment says of MixCache's presets, for mixcache presets.")
    .argument("<folder>", "what an experiment wrote")
    .option("-o, --output <file.json>", "where to (default: beside the model's profiles)")
    .action(async (folder: string, { output }: { output?: string }) => {
      if (!existsSync(folder))
        invalid("output", `The folder ${folder} does not exist. Give one that bench wrote.`);
      const store = await Store.open(folder);
      const plan = readPlan(await store.readJson(PLAN_FILE), folder);
      const table = presetTable(plan, await collect(plan, store));
      const file = output ?? presetsPath(readConfig().profiles, table.bundle.digest);
      if (output === undefined) await mkdir(path.dirname(file), { recursive: true });
      await writeFileAtomically(file, new TextEncoder().encode(`${JSON.stringify(table, null, 1)}\n`));
      process.stdout.write(`${describePresets(table, "")}${file}\n`);
    });
}

/** A table, or how to get one. */
export function describePresets(found: PresetsFile | undefined, bundle: string): string {
  if (!found) {
    const asked = Object.entries(PRESETS).map(([preset, speed]) => row([preset, `${speed}x`]));
    const of = bundle === EMBEDDED_BUNDLE ? "" : ` --bundle ${bundle}`;
    return [
      row(["preset", "asked for"]),
      ...asked,
      "Not measured for this model. Run:",
      `  mixcache bench${of} --output presets --policies ${presetPolicies()}`,
      "  mixcache bench presets presets",
      "",
    ].join("\n");
  }
  const { presets, prompts, num_inference_steps, made } = found;
  const pair = ({ mean, p10 }: { mean: number; p10: number }, digits: number) =>
    `${mean.toFixed(digits)} (${p10.toFixed(digits)})`;
  return [
    row(["preset", "asked for", "computed", "DiT time", "PSNR dB (p10)", "SSIM (p10)", "HaarPSI (p10)"]),
    ...presets.map(({ preset, speed, computed_speedup, real_speedup, psnr, ssim, haarpsi }) =>
      row([
        preset,
        `${speed}x`,
        `${computed_speedup.toFixed(2)}x`,
        real_speedup === undefined ? "" : `${real_speedup.toFixed(2)}x`,
        pair(psnr, 2),
        pair(ssim, 4),
        pair(haarpsi, 4),
      ]),
    ),
    `Against uncached videos: ${prompts.count} prompts (${prompts.name}), ${prompts.seeds} seeds, ` +
      `${num_inference_steps} steps, ${made.at.slice(0, 10)}${made.commit ? `, ${made.commit.slice(0, 9)}` : ""}.`,
    "",
  ].join("\n");
}

const WIDTHS = [18, 10, 9, 9, 15, 17, 17];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, column) => cell.padEnd(WIDTHS[column] ?? 0))
    .join("")
    .trimEnd();
}
