import { describe, expect, it } from "vitest";
import { createVideoSchema } from "../../schemas/create-video.ts";
import { checked } from "../../schemas/sentence.ts";
import type { ServedModel } from "../context.ts";
import { embeddedModel } from "../testing.ts";
import { framesFor, lengthsOf, sizesOf } from "./abilities.ts";
import { wishOf } from "./wish.ts";

const shapes = embeddedModel();

/** A model of Wan's kind: many sizes, 4 n + 1 frames at 16 fps. */
const wide: ServedModel = {
  ...shapes,
  id: "wide",
  formats: ["webp"],
  manifest: {
    ...shapes.manifest,
    title: "Wide",
    video: {
      default: { width: 832, height: 480, frames: 81, fps: 16 },
      width: { min: 480, max: 1280, multiple: 16 },
      height: { min: 480, max: 1280, multiple: 16 },
      frames: { min: 5, max: 121, multiple: 4, offset: 1 },
    },
    latents: {
      ...shapes.manifest.latents,
      compression: [4, 8, 8],
      patch: [1, 2, 2],
      first_frame_alone: true,
    },
    decoder: { first: shapes.manifest.decoder.first, latent_frames: 1 } as ServedModel["manifest"]["decoder"],
  },
};

const wish = (asked: object, model = shapes) =>
  wishOf(checked(createVideoSchema, { prompt: "a red circle", ...asked }), [model], () => 42n);

const refusal = (asked: object, model = shapes) => {
  try {
    wish(asked, model);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("what a request leaves out comes from the bundle", () => {
  it("fills in everything", () => {
    expect(wish({}).request).toEqual({
      prompt: "a red circle",
      negative_prompt: shapes.manifest.default_negative_prompt,
      model: "shapes",
      width: 64,
      height: 64,
      num_frames: 16,
      fps: 8,
      seed: "42",
      num_inference_steps: shapes.manifest.default_steps,
      guidance_scale: 3,
      output_format: "mp4",
      cache: expect.objectContaining({ policy: "mixcache", preset: "high" }),
      metadata: {},
    });
  });

  it("keeps all digits of a seed, from a string and from a number", () => {
    expect(wish({ seed: "18446744073709551615" }).request.seed).toBe("18446744073709551615");
    expect(wish({ seed: 7 }).request.seed).toBe("7");
  });

  it("keeps the length as it was said", () => {
    expect(wish({ seconds: "2" }).request).toMatchObject({ seconds: "2", num_frames: 16 });
  });

  it("knows every option of the cache policy", () => {
    expect(wish({ cache: "off" }).request.cache).toEqual({ policy: "off" });
    expect(wish({ cache: { policy: "mixcache", speed: 2 } }).request.cache).toMatchObject({ speed: 2 });
  });
});

describe("what the model can't do is refused with what it can", () => {
  it.each([
    [{ model: "sora-2" }, "model", "shapes"],
    [{ size: "1280x720" }, "size", "only 64x64"],
    [{ seconds: "4" }, "seconds", "only 2 (16 frames at 8 fps)"],
    [{ num_frames: 17 }, "num_frames", "only 16"],
    [{ num_inference_steps: 100_000 }, "num_inference_steps", "1 to"],
    [{ cache: "faster" }, "cache", "mixcache, static"],
    [{ cache: { policy: "mixcache", speed: 99 } }, "cache.speed", "at most"],
    [{ cache: { policy: "teacache", treshold: 1 } }, "cache", "treshold"],
    [{ seconds: "2", num_frames: 32 }, "num_frames", "Give one of the two"],
  ])("%j", (asked, field, words) => {
    expect(refusal(asked)).toMatchObject({ field, message: expect.stringContaining(words) });
  });

  it("refuses a format that nothing here can write", () => {
    expect(refusal({ output_format: "mp4" }, wide)).toMatchObject({ field: "output_format" });
  });

  it("lists ranges", () => {
    expect(refusal({ size: "100x100" }, wide)).toMatchObject({
      field: "size",
      message: expect.stringContaining("480x480 to 1280x1280, both in multiples of 16 (default 832x480)"),
    });
    expect(refusal({ seconds: "60" }, wide)).toMatchObject({
      field: "seconds",
      message: expect.stringContaining("0.313 to 7.563 (5 to 121 frames, in steps of 4, at 16 fps)"),
    });
  });
});

describe("seconds", () => {
  const { manifest } = wide;

  it("are the nearest number of frames that the model makes", () => {
    expect(framesFor(manifest, 5, 16)).toBe(81);
    expect(framesFor(manifest, 5.0625, 16)).toBe(81);
    expect(framesFor(manifest, 3, 16)).toBe(49);
    expect(framesFor(manifest, 0.01, 16)).toBeUndefined();
    expect(framesFor(manifest, 8, 16)).toBeUndefined();
  });

  it("follow the frame rate that was asked for", () => {
    expect(wish({ seconds: "1", fps: 16 }).request).toMatchObject({ num_frames: 16, fps: 16 });
  });

  it("has words for fixed models and for ranges", () => {
    expect(sizesOf(shapes.manifest)).toBe("only 64x64");
    expect(lengthsOf(shapes.manifest, 8)).toBe("only 2 (16 frames at 8 fps)");
  });
});
