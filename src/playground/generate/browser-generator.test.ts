import { describe, expect, it } from "vitest";
import type { WebEngine } from "../../browser/engine.ts";
import type { RunTrace } from "../../engine/trace.ts";
import { MixcacheError } from "../../errors.ts";
import type { WebModule } from "../engine/browser-engine.ts";
import type { StoredVideo } from "../history/stored-video.ts";
import { BrowserGenerator } from "./browser-generator.ts";
import type { RunEvent } from "./generator.ts";

const frames = { width: 64, height: 64, count: 1, data: new Uint8Array(64 * 64 * 3) };
const step = { index: 0, sigma: 1, denoiser: "main", branches: [], scalars: [], durationMs: 3, policyMs: 1 };
const trace: RunTrace = {
  policy: "mixcache",
  profile: null,
  run: {
    steps: 2,
    scheduler: "flow_match_euler",
    sigmas: [1, 0.5, 0],
    timesteps: [1000, 500],
    branches: ["cond", "uncond"],
    denoisers: [],
  },
  steps: [
    { ...step, flops: 10, fullFlops: 10 },
    { ...step, index: 1, flops: 0, fullFlops: 10, decision: { mode: "step", values: { lag: 1 } } },
  ],
  text: [],
  textCached: 0,
  decode: [],
  textMs: 1,
  denoiseMs: 6,
  decodeMs: 2,
  totalMs: 1500,
  denoiseFlops: 10,
  fullDenoiseFlops: 20,
  cacheBytesPeak: 0,
};
const request = { prompt: "a", seed: "18446744073709551615", cache: { policy: "mixcache", preset: "high" } };

/** A page whose engine does as it is told. */
function page(change: { engine?: Partial<WebEngine>; encode?: WebModule["encodeVideo"] } = {}) {
  const saved: StoredVideo[] = [];
  const opened: string[] = [];
  const lost = Promise.withResolvers<MixcacheError>();
  const engine = {
    info: {
      manifest: { id: "shapes", video: { default: { fps: 8 } } },
      digest: "ab",
      device: "wasm",
      notices: ["There is no WebGPU."],
    },
    generate: async (asked, { onProgress } = {}) => {
      onProgress?.({
        phase: "denoise",
        step: 0,
        steps: 2,
        fraction: 0.5,
        finished: { mode: "full", flops: 10, fullFlops: 10 },
      });
      onProgress?.({ phase: "preview", step: 0, frame: frames, durationMs: 1 });
      onProgress?.({ phase: "decode", fraction: 0.5 });
      const { cache, seed, ...rest } = asked;
      const settings = {
        negative_prompt: "",
        num_inference_steps: 2,
        guidance_scale: 3,
        guidance_scales: { main: 3 },
        width: 64,
        height: 64,
        num_frames: 1,
        scheduler: "flow_match_euler" as const,
        ...rest,
        seed: BigInt(seed ?? 0),
        cache: cache as typeof request.cache,
      };
      return { frames, trace, settings, notices: [] };
    },
    lost: lost.promise,
    close: async () => {},
    ...change.engine,
  } as WebEngine;
  const generator = new BrowserGenerator({
    module: {
      openEngine: async ({ bundle, onDownload }) => {
        opened.push(String(bundle));
        onDownload?.({ receivedBytes: 1, totalBytes: 2, cachedBytes: 0 });
        return engine;
      },
      encodeVideo: change.encode ?? (async () => new Blob(["mp4"], { type: "video/mp4" })),
    },
    bundle: new URL("https://example.com/models/shapes/"),
    save: async (video) => {
      saved.push(video);
    },
    newId: () => "local_1",
    nowMs: () => 1000,
    previewEvery: 5,
  });
  const events: RunEvent[] = [];
  const make = (signal = new AbortController().signal) =>
    generator.generate(request, (event) => events.push(event), signal);
  return { make, events, saved, opened, lost };
}

describe("a video of this browser", () => {
  it("is told of like one of a server, and kept with its frames and its trace", async () => {
    const { make, events, saved } = page();
    const video = await make();
    expect(events).toEqual([
      { is: "download", receivedBytes: 1, totalBytes: 2, cachedBytes: 0 },
      { is: "notice", sentence: "There is no WebGPU." },
      { is: "started" },
      { is: "progress", phase: "denoise", share: expect.closeTo(0.47), step: 1, steps: 2, secondsLeft: 0 },
      { is: "step", step: { index: 0, mode: "full", flops: 10, full_flops: 10 } },
      { is: "preview", index: 1, picture: frames },
      { is: "progress", phase: "decode", share: expect.closeTo(0.95) },
      { is: "progress", phase: "encode", share: 0.98 },
    ]);
    expect(video).toMatchObject({
      id: "local_1",
      seed: request.seed,
      engineSeconds: 1.5,
      cost: undefined,
      fps: 8,
    });
    expect(saved[0]).toMatchObject({
      video,
      frames,
      trace: { settings: { seed: request.seed }, totals: { ideal_speedup: 2 } },
    });
    expect(saved[0]?.trace.steps.map(({ mode }) => mode)).toEqual(["full", "step"]);
  });

  it("is made by the engine that is open already, and by a new one when that is lost", async () => {
    const { make, opened, lost } = page();
    await make();
    await make();
    expect(opened).toHaveLength(1);
    lost.resolve(new MixcacheError("engine_crashed", "The device is gone."));
    await lost.promise;
    await make().catch(() => undefined);
    expect(opened).toHaveLength(2);
  });

  it("fails in the engine's own words when the device is lost while it is made", async () => {
    const { make, lost } = page({ engine: { generate: () => new Promise(() => {}) } });
    const video = make();
    lost.resolve(new MixcacheError("engine_crashed", "The device is gone."));
    await expect(video).rejects.toMatchObject({ code: "engine_crashed", message: "The device is gone." });
  });

  it("that can't be written to a file is still kept, and the page says why", async () => {
    const encode = async () => {
      throw new MixcacheError("media_codec_missing", "This browser can't encode video.");
    };
    const { make, events, saved } = page({ encode });
    await make();
    expect(saved[0]?.file).toBeUndefined();
    expect(events).toContainEqual({
      is: "notice",
      sentence: "There is no file to download: This browser can't encode video.",
    });
  });
});
