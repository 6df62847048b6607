/** Calibration on tiny real architectures: two experts, embedded guidance, another scheduler, several streams. */

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createPolicy } from "../../src/engine/cache/policies.ts";
import { type Profile, profileKey } from "../../src/engine/cache/profile.ts";
import { readProfile } from "../../src/engine/cache/profile-fit.ts";
import { measure } from "../../src/engine/calibration/measure.ts";
import { mergeMeasured } from "../../src/engine/calibration/merge.ts";
import { Pipeline } from "../../src/engine/pipeline.ts";
import { OnnxBackend } from "../../src/engine/segments/onnx.ts";
import { resolveSettings } from "../../src/engine/settings.ts";
import { openOnnxNode } from "../../src/node/onnx-runtime.ts";
import { openParity } from "../support/parity.ts";

const STEPS = 6;

describe.each(["wan", "wan-2.2-a14b", "hunyuan-video", "cogvideox-rotary"])("%s", (fixture) => {
  const { about, files, open } = openParity(fixture);
  const request = { prompt: about.prompt, num_inference_steps: STEPS };
  let backend: OnnxBackend;
  let pipeline: Pipeline;
  let profile: Profile;

  beforeAll(async () => {
    const bundle = await open();
    backend = new OnnxBackend(bundle.manifest, await openOnnxNode(files, { threads: 1 }));
    pipeline = await Pipeline.load(bundle, backend);
    const before = backend.bytesHeld();
    const measured = await pipeline.study(request, (subject) => measure(subject, { lags: 4, impacts: true }));
    expect(backend.bytesHeld()).toBe(before);
    const key = profileKey(bundle.digest, resolveSettings(bundle.manifest, request));
    profile = mergeMeasured(key, { count: 1, digest: "one" }, [measured]);
  });

  afterAll(async () => {
    await backend.dispose();
  });

  it("makes a profile that can be read again, and that every policy that asks for one can use", () => {
    expect(readProfile(JSON.stringify(profile), "it")).toEqual(profile);
    const { manifest } = pipeline.bundle;
    const settings = resolveSettings(manifest, request);
    for (const cache of [
      { policy: "teacache" },
      { policy: "magcache" },
      { policy: "static", speed: 1.5 },
      { policy: "mixcache" },
    ])
      expect(() => createPolicy(cache, { manifest, settings, profile })).not.toThrow();
  });

  it("compares nothing across a switch of experts", () => {
    const { denoisers } = pipeline.bundle.manifest;
    const fresh = profile.changes.p50.flatMap((change, step) => (change === null ? [step] : []));
    expect(fresh).toHaveLength(denoisers.length);
    for (const first of fresh) {
      expect(profile.magnitude_ratios.cond?.[first]).toBe(1);
      expect(profile.deviations.step?.[0]?.slice(first, first + 2)).toEqual(
        [null, null].slice(0, Math.min(2, STEPS - first)),
      );
      for (const [step, row] of profile.reuse_costs.entries())
        if (step < first) expect(row.length).toBeLessThanOrEqual(first - 1 - step);
    }
  });

  it("has cfg where the model is run twice for guidance, and only there", () => {
    const guided = pipeline.bundle.manifest.denoisers.every(({ guidance }) => guidance.kind === "cfg");
    expect("cfg" in profile.deviations).toBe(guided);
    expect("cfg" in profile.impacts).toBe(guided);
    expect("uncond" in profile.magnitude_ratios).toBe(guided);
    for (const impact of Object.values(profile.impacts))
      expect(impact?.values.every((value) => value > 0)).toBe(true);
  });
});
