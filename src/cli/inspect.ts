/** `mixcache inspect`: what a bundle is, for a person. */

import { Command } from "commander";
import { flopsOf } from "../engine/bundle/flops.ts";
import type { DenoiserManifest, Manifest, SchedulerManifest } from "../engine/bundle/manifest.ts";
import { type Bundle, readBundle } from "../engine/bundle/read.ts";
import { videoShape } from "../engine/shape.ts";
import { EMBEDDED_BUNDLE, FolderFiles } from "../node/index.ts";
import { bundleFolder } from "./options.ts";

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("Check a bundle and say what it is.")
    .argument("[bundle]", "folder of the bundle (default: Shapes, the one that comes along)")
    .option("--json", "print the manifest as JSON")
    .action(async (folder: string = EMBEDDED_BUNDLE, { json }: { json?: boolean }) => {
      const bundle = await readBundle(new FolderFiles(bundleFolder(folder)));
      process.stdout.write(json ? `${JSON.stringify(bundle.manifest, null, 2)}\n` : describe(bundle));
    });
}

/** The bundle in a screenful of text. */
export function describe({ manifest, digest, files }: Bundle): string {
  const { video, latents } = manifest;
  const shape = videoShape(manifest, video.default.width, video.default.height, video.default.frames);
  const listed = Object.values(manifest.files);
  const bytes = listed.reduce((sum, file) => sum + file.bytes, 0);
  const rows: [string, string][] = [
    ["bundle", `${manifest.title} (${manifest.id}, ${manifest.format})`],
    ["folder", files.location],
    ["digest", `sha256:${digest}`],
    ["licence", manifest.license],
    ["files", `${listed.length}, ${megabytes(bytes)}; every digest matches`],
    [
      "video",
      `${video.default.width}x${video.default.height}, ${video.default.frames} frames at ${video.default.fps} fps${ranges(manifest)}`,
    ],
    [
      "latents",
      `${latents.channels} x ${shape.latent.join(" x ")} (channels, frames, rows, columns), ${shape.tokens} tokens`,
    ],
    ["steps", `${manifest.default_steps} by default`],
    ["schedulers", manifest.schedulers.map(describeScheduler).join(", ")],
    [
      "text",
      manifest.text_encoders.map((e) => `${e.id}: ${e.tokenizer.kind}, ${e.max_tokens} tokens`).join("; "),
    ],
    ["decoder", describeDecoder(manifest)],
    ["engines", manifest.engines.join(", ")],
    ["variants", manifest.variants.map((v) => v.id).join(", ") || "one precision only"],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(11)} ${value}`);
  return `${[...lines, ...manifest.denoisers.flatMap((d) => describeDenoiser(manifest, d, shape.tokens))].join("\n")}\n`;
}

function describeDecoder({ decoder: { first, next, tiles } }: Manifest): string {
  const calls = next
    ? `${first.frames ?? "some"}, then ${next.frames ?? "some"} frames a call`
    : "all frames in one call";
  const spans = Object.entries(tiles ?? {}).map(([axis, span]) => `${axis} ${span?.size}/${span?.stride}`);
  return spans.length ? `${calls}; tiles by latent ${spans.join(", ")} (size/stride)` : calls;
}

function describeDenoiser(manifest: Manifest, denoiser: DenoiserManifest, tokens: number): string[] {
  const { id, segments, guidance, noise_levels, modules, signals } = denoiser;
  const blocks = segments.at(-1)?.blocks[1] ?? 0;
  // The longest prompts.
  const lengths = manifest.text_encoders.flatMap(({ outputs, max_tokens, crop_start }) =>
    Object.values(outputs).map(({ value }) => [value, max_tokens - crop_start] as const),
  );
  const text = Math.max(0, ...lengths.map(([, length]) => length));
  const sizes = { tokens, text, texts: Object.fromEntries(lengths) };
  const flops = segments.map((segment) => flopsOf(segment.flops, sizes));
  const total = flops.reduce((sum, f) => sum + f, 0);
  const scale =
    guidance.kind === "none"
      ? "no guidance"
      : `guidance ${guidance.kind}, ${guidance.default_scale} by default`;
  return [
    "",
    `denoiser ${id}: ${blocks} blocks, ${scale}, noise levels ${noise_levels[0]} to ${noise_levels[1]}`,
    `  ${(total / 1e9).toFixed(2)} GFLOP a forward pass; signals ${Object.keys(signals).join(", ") || "none"}; ` +
      `${modules.length ? `${modules.length} modules` : "no modules"}`,
    ...segments.map(({ id: name, blocks: [from, to] }, i) => {
      const range = to > from ? `blocks ${from}–${to - 1}` : "no block";
      const share = ((100 * (flops[i] ?? 0)) / total).toFixed(1);
      return `  ${name.padEnd(12)} ${range.padEnd(14)} ${share.padStart(5)} % of the FLOPs`;
    }),
  ];
}

function ranges({ video }: Manifest): string {
  const { width, height, frames } = video;
  const fixed = [width, height, frames].every(({ min, max }) => min === max);
  if (fixed) return " (the only size)";
  return `; up to ${width.max}x${height.max} and ${frames.max} frames`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function describeScheduler(scheduler: SchedulerManifest): string {
  const shift = scheduler.kind === "ddim" ? scheduler.snr_shift : scheduler.shift;
  return `${scheduler.kind} (shift ${shift})`;
}
