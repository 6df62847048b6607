/** `mixcache generate`: a prompt in, a video file out. */

import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { Command, Option } from "commander";
import { readConfig } from "../config/index.ts";
import { readManifest } from "../engine/bundle/read.ts";
import { type GenerateRequest, resolveSettings } from "../engine/settings.ts";
import { traceFile } from "../engine/trace-file.ts";
import { invalid } from "../errors.ts";
import { validateFps } from "../media/frames.ts";
import {
  assertWritable,
  contactSheet,
  encodeVideo,
  loadNodeCodecs,
  type VideoFormat,
  writeFileAtomically,
} from "../media/index.ts";
import {
  EMBEDDED_BUNDLE,
  EngineChild,
  type EngineInfo,
  type EngineResult,
  FolderFiles,
} from "../node/index.ts";
import { type CacheOptions, cacheOf, withCacheOptions } from "./cache-options.ts";
import { cacheJson, savedLine } from "./cache-report.ts";
import { engineOptions, interruptible } from "./engine.ts";
import {
  bundleFolder,
  checkSheet,
  checkTrace,
  formatOf,
  number,
  seed,
  threads as threadCount,
} from "./options.ts";
import { withRunOptions } from "./run-options.ts";
import { StatusLine } from "./status.ts";

interface GenerateOptions extends CacheOptions {
  readonly seed?: bigint;
  readonly steps?: number;
  readonly guidance?: number;
  readonly guidance2?: number;
  readonly negative?: string;
  readonly size?: { readonly width: number; readonly height: number };
  readonly frames?: number;
  readonly scheduler?: "flow_match_euler" | "unipc" | "ddim";
  readonly fps?: number;
  readonly output: string;
  readonly format?: string;
  readonly codec?: "h264" | "av1" | "vp9";
  readonly upscale: "nearest" | "lanczos" | "off";
  readonly sheet?: string;
  readonly trace?: string;
  readonly json?: boolean;
  readonly bundle: string;
  readonly variant?: string;
  readonly profile?: string;
  readonly threads?: number;
}

const EXAMPLES = `
Examples:
  mixcache generate "a red circle moves left on a blue background" --seed 7 --output out.mp4
  mixcache generate "a large orange cross moves right on a black background" --steps 20 --sheet frames.png
  mixcache generate "a purple square moves down on an orange background" --preset fast --trace trace.json
  mixcache generate "a large blue ring grows on a white background" --output ring.webp --json

Exit codes: 0 done, 1 a fault of mixcache, 2 input that can't be used, 3 the engine failed,
4 the result could not be written, 130 stopped by Ctrl-C or SIGTERM.`;

export function generateCommand(): Command {
  const command = new Command("generate")
    .description("Make a video from a text.")
    .argument("<prompt>", "what the video should show")
    .option("--seed <number>", "the same seed gives the same video (default: 0)", seed);
  withRunOptions(command)
    .option(
      "--guidance-2 <number>",
      "the same for a second expert (default: --guidance, or the model's)",
      number("guidance-2"),
    )
    .option("--negative <text>", "what the video should not show");
  return withCacheOptions(command)
    .option("--fps <number>", "frames per second of the file (default: the model's)", number("fps"))
    .option("-o, --output <file>", "where to write the video", "out.mp4")
    .addOption(new Option("--format <name>", "default: by the ending of --output").choices(["mp4", "webp"]))
    .addOption(new Option("--codec <name>", "for mp4 (default: h264)").choices(["h264", "av1", "vp9"]))
    .addOption(
      new Option("--upscale <method>", "enlarge small videos to at least 512 pixels")
        .choices(["nearest", "lanczos", "off"])
        .default("nearest"),
    )
    .option("--sheet <file.png>", "also write all frames as one picture")
    .option("--trace <file.json>", "also write what every step did, and why")
    .option("--json", "print the result as JSON on stdout")
    .addOption(
      new Option("--bundle <folder>", "the model").default(
        EMBEDDED_BUNDLE,
        "Shapes, the one that comes along",
      ),
    )
    .option("--variant <name>", "one of the model's variants, such as another precision")
    .option("--profile <file>", "a warm cache profile, such as mixcache calibrate writes")
    .option("--threads <number>", "threads of the engine (default: THREADS, or all cores)", threadCount)
    .addHelpText("after", EXAMPLES)
    .action(generate);
}

async function generate(prompt: string, options: GenerateOptions): Promise<void> {
  const format = checkOptions(options);
  const config = readConfig();
  const status = new StatusLine(process.stderr, undefined, config.unicode);
  const { signal, dispose } = interruptible("Stopped. No file was written.");
  let engine: EngineChild | undefined;
  const stopEngine = () => engine?.dispose();
  process.once("exit", stopEngine);
  try {
    // What can fail fails before the long run, not after it.
    await assertWritable(options.output);
    if (options.sheet !== undefined) await assertWritable(options.sheet);
    if (options.trace !== undefined) await assertWritable(options.trace);
    const bundle = bundleFolder(options.bundle);
    const request = requestOf(prompt, options);
    resolveSettings((await readManifest(new FolderFiles(bundle))).manifest, request);
    if (format === "mp4") await loadNodeCodecs();
    status.waitFor("starting the engine");
    engine = await EngineChild.start(engineOptions(bundle, config, options), signal);
    const info = await engine.info();
    const result = await engine.generate(request, {
      signal,
      onProgress: (progress) => status.progress(progress),
    });
    status.waitFor("encoding");
    const fps = options.fps ?? info.manifest.video.default.fps;
    const { upscale } = options;
    const video = await encodeVideo(result.frames, {
      format,
      fps,
      ...(options.codec && { codec: options.codec }),
      upscale: upscale === "off" ? false : { method: upscale },
    });
    const sheet = options.sheet === undefined ? undefined : await contactSheet(result.frames);
    signal.throwIfAborted();
    await writeFileAtomically(options.output, video);
    if (sheet && options.sheet !== undefined) await writeFileAtomically(options.sheet, sheet);
    if (options.trace !== undefined) await writeTrace(options.trace, info, result);
    status.clear();
    for (const notice of result.notices) status.say(notice);
    const saved = savedLine(result);
    if (saved !== undefined) status.say(saved);
    report(prompt, options, info, result, fps);
  } catch (error) {
    // Ctrl-C reaches the engine's process too, which may then fail in a way of its own.
    throw signal.aborted ? signal.reason : error;
  } finally {
    status.clear();
    dispose();
    stopEngine();
    process.off("exit", stopEngine);
  }
}

/** Refuses, before anything starts, what needs no engine to be refused; returns the format. */
function checkOptions(options: GenerateOptions): VideoFormat {
  const { output, sheet, format: wanted, codec, fps, profile, trace } = options;
  const format = formatOf(output, wanted);
  if (format === "webp" && codec !== undefined) {
    invalid("codec", `--codec ${codec} is for mp4 only; leave it out, or write an mp4.`);
  }
  if (fps !== undefined) validateFps(fps);
  if (sheet !== undefined) checkSheet(sheet, output);
  if (trace !== undefined) checkTrace(trace, output);
  cacheOf(options);
  if (profile !== undefined && !existsSync(profile))
    invalid("profile", `--profile ${profile} does not exist. Give a file that mixcache calibrate wrote.`);
  return format;
}

function requestOf(prompt: string, options: GenerateOptions): GenerateRequest {
  const cache = cacheOf(options);
  return {
    prompt,
    ...(options.seed !== undefined && { seed: options.seed }),
    ...(options.steps !== undefined && { num_inference_steps: options.steps }),
    ...(options.guidance !== undefined && { guidance_scale: options.guidance }),
    ...(options.guidance2 !== undefined && { guidance_scale_2: options.guidance2 }),
    ...(options.negative !== undefined && { negative_prompt: options.negative }),
    ...(options.size && { width: options.size.width, height: options.size.height }),
    ...(options.frames !== undefined && { num_frames: options.frames }),
    ...(options.scheduler && { scheduler: options.scheduler }),
    ...(cache && { cache }),
  };
}

async function writeTrace(file: string, info: EngineInfo, { trace, settings }: EngineResult): Promise<void> {
  const { manifest, digest, backend, device, details, threads } = info;
  const made = traceFile(trace, {
    bundle: { id: manifest.id, digest },
    engine: { backend, device, ...(details !== undefined && { details }), threads },
    settings,
  });
  await writeFileAtomically(file, new TextEncoder().encode(`${JSON.stringify(made, null, 1)}\n`));
}

function report(
  prompt: string,
  options: GenerateOptions,
  info: EngineInfo,
  result: EngineResult,
  fps: number,
): void {
  const { frames, trace, settings } = result;
  if (!options.json) {
    const files = options.sheet === undefined ? options.output : `${options.output} and ${options.sheet}`;
    const took = `${(trace.totalMs / 1000).toFixed(1)} s`;
    process.stdout.write(
      `${files}: ${frames.count} frames of ${frames.width}x${frames.height} at ${fps} fps, ` +
        `seed ${settings.seed}, ${settings.num_inference_steps} steps, ${took}\n`,
    );
    return;
  }
  const json = {
    output: options.output,
    ...(options.sheet !== undefined && { sheet: options.sheet }),
    ...(options.trace !== undefined && { trace: options.trace }),
    prompt,
    ...(options.negative !== undefined && { negative_prompt: options.negative }),
    // Beyond 2^53 a JSON number would not be exact.
    seed: settings.seed <= Number.MAX_SAFE_INTEGER ? Number(settings.seed) : settings.seed.toString(),
    num_inference_steps: settings.num_inference_steps,
    guidance_scale: settings.guidance_scale,
    ...(info.manifest.denoisers.length > 1 && { guidance_scales: settings.guidance_scales }),
    scheduler: settings.scheduler,
    width: frames.width,
    height: frames.height,
    num_frames: frames.count,
    fps,
    /** Of the raw RGB frames, before any scaling or encoding. */
    frames_sha256: createHash("sha256").update(frames.data).digest("hex"),
    bundle: { id: info.manifest.id, digest: info.digest },
    engine: {
      backend: info.backend,
      device: info.device,
      ...(info.details !== undefined && { details: info.details }),
      threads: info.threads,
      peak_memory_bytes: result.peakMemoryBytes,
    },
    notices: result.notices,
    cache: cacheJson(result),
    text_cached: trace.textCached,
    time_ms: {
      start: Math.round(info.startMs),
      text: Math.round(trace.textMs),
      denoise: Math.round(trace.denoiseMs),
      decode: Math.round(trace.decodeMs),
      total: Math.round(trace.totalMs),
    },
    flops: trace.denoiseFlops,
  };
  process.stdout.write(`${JSON.stringify(json, null, 2)}\n`);
}
