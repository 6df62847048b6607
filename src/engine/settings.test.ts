import { describe, expect, it } from "vitest";
import { toyManifest } from "../../test/support/toy-bundle.ts";
import { type GenerateRequest, resolveSettings } from "./settings.ts";

const manifest = toyManifest();

describe("resolveSettings", () => {
  it("fills in what the bundle says", () => {
    const settings = resolveSettings(manifest, { prompt: "a ball" });
    expect(settings).toMatchObject({ seed: 0n, steps: 10, guidanceScale: 5, negativePrompt: "" });
    expect(settings.shape).toMatchObject({
      width: 32,
      height: 16,
      frames: 9,
      latent: [3, 2, 4],
      grid: [3, 1, 2],
      tokens: 6,
    });
  });

  it("has the bundle's negative prompt unless the request has its own, even an empty one", () => {
    const own = { ...manifest, default_negative_prompt: "blurry" };
    const negatives = [{}, { negative_prompt: "dark" }, { negative_prompt: "" }].map(
      (request) => resolveSettings(own, { prompt: "x", ...request }).negativePrompt,
    );
    expect(negatives).toEqual(["blurry", "dark", ""]);
  });

  it("caches by MixCache's preset high unless the request says otherwise, by a name or with options", () => {
    const caches = [{}, { cache: "off" }, { cache: { policy: "teacache", threshold: 0.2 } }].map(
      (request) => resolveSettings(manifest, { prompt: "x", ...request }).cache,
    );
    expect(caches).toEqual([
      { policy: "mixcache", preset: "high" },
      { policy: "off" },
      { policy: "teacache", threshold: 0.2 },
    ]);
  });

  it.each([[null], [2], [["mixcache"]], [{ speed: 2 }], [{ policy: 1 }]])("refuses the cache %j", (cache) => {
    const request = JSON.parse(JSON.stringify({ prompt: "x", cache }));
    expect(() => resolveSettings(manifest, request)).toThrow(
      expect.objectContaining({ field: "cache", message: expect.stringMatching(/name of a policy.*object/) }),
    );
  });

  it("takes seeds up to 2^64 - 1", () => {
    expect(resolveSettings(manifest, { prompt: "x", seed: 2n ** 64n - 1n }).seed).toBe(2n ** 64n - 1n);
  });

  it.each<[string, Partial<GenerateRequest>, string, RegExp]>([
    ["an empty prompt", { prompt: "" }, "prompt", /empty/],
    ["a prompt of spaces", { prompt: " \n " }, "prompt", /empty/],
    [
      "a prompt of 10,000 characters",
      { prompt: "x".repeat(10_000) },
      "prompt",
      /10000 characters; the most is 4000/,
    ],
    ["a long negative prompt", { negative_prompt: "x".repeat(10_000) }, "negative_prompt", /Shorten/],
    ["no steps", { num_inference_steps: 0 }, "num_inference_steps", /1 to 1000/],
    ["10,000 steps", { num_inference_steps: 10_000 }, "num_inference_steps", /1 to 1000/],
    ["half a step", { num_inference_steps: 2.5 }, "num_inference_steps", /whole number/],
    ["NaN steps", { num_inference_steps: Number.NaN }, "num_inference_steps", /NaN/],
    ["negative guidance", { guidance_scale: -1 }, "guidance_scale", /from 0 to 100/],
    ["NaN guidance", { guidance_scale: Number.NaN }, "guidance_scale", /NaN/],
    ["infinite guidance", { guidance_scale: Number.POSITIVE_INFINITY }, "guidance_scale", /Infinity/],
    ["guidance of a second denoiser", { guidance_scale_2: 3 }, "guidance_scale_2", /no second denoiser/],
    ["a negative seed", { seed: -1 }, "seed", /0 to 2\^64 - 1/],
    ["a seed beyond 64 bits", { seed: 2n ** 64n }, "seed", /2\^64/],
    ["a fractional seed", { seed: 0.5 }, "seed", /whole number/],
    ["an unsafe seed", { seed: 2 ** 60 }, "seed", /bigint/],
    ["a width that does not fit", { width: 40 }, "width", /multiples of 16.*nearest is 32/],
    ["a height too large", { height: 1000 }, "height", /nearest is 64/],
    ["frames between latents", { num_frames: 10 }, "num_frames", /multiples of 4 plus 1.*nearest is 9/],
    ["a NaN width", { width: Number.NaN }, "width", /NaN/],
    ["too many tokens", { width: 64, height: 64, num_frames: 17 }, "size", /at most 60/],
    ["an unknown scheduler", { scheduler: "unipc" }, "scheduler", /it has flow_match_euler/],
  ])("refuses %s and says what is possible", (_, change, field, sentence) => {
    const resolve = () => resolveSettings(manifest, { prompt: "a ball", ...change });
    expect(resolve).toThrow(sentence);
    expect(resolve).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
  });

  it("gives every expert its guidance scale: the request's, else the bundle's", () => {
    const { denoisers, ...rest } = toyManifest();
    const [high] = denoisers;
    if (!high) throw new Error("the toy has no denoiser");
    const experts = {
      ...rest,
      denoisers: [
        {
          ...high,
          id: "low",
          noise_levels: [0, 0.9] as [number, number],
          guidance: { kind: "cfg", default_scale: 3 } as const,
        },
        { ...high, id: "high", noise_levels: [0.9, 1] as [number, number] },
      ],
    };
    const scales = (request: Partial<GenerateRequest>) =>
      resolveSettings(experts, { prompt: "x", ...request }).guidanceScales;
    expect(scales({})).toEqual({ high: 5, low: 3 });
    expect(scales({ guidance_scale: 4 })).toEqual({ high: 4, low: 4 });
    expect(scales({ guidance_scale: 4, guidance_scale_2: 2 })).toEqual({ high: 4, low: 2 });
    expect(scales({ guidance_scale_2: 2 })).toEqual({ high: 5, low: 2 });
    expect(resolveSettings(experts, { prompt: "x" }).guidanceScale).toBe(5);
    expect(() => scales({ guidance_scale_2: -1 })).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "guidance_scale_2" }),
    );
  });

  it("refuses what a model without guidance can't do", () => {
    const distilled = toyManifest();
    for (const denoiser of distilled.denoisers) denoiser.guidance = { kind: "none" };
    expect(() => resolveSettings(distilled, { prompt: "x", guidance_scale: 3 })).toThrow(/without guidance/);
    expect(() => resolveSettings(distilled, { prompt: "x", negative_prompt: "y" })).toThrow(
      /no classifier-free guidance/,
    );
    expect(resolveSettings(distilled, { prompt: "x" }).guidanceScale).toBe(1);
  });
});
