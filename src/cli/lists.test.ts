import { describe, expect, it } from "vitest";
import { POLICIES } from "../engine/cache/policies.ts";
import { madeUpPresets } from "../lab/testing.ts";
import { EMBEDDED_BUNDLE } from "../node/index.ts";
import { cacheOf } from "./cache-options.ts";
import { describePolicy } from "./policies.ts";
import { describePresets } from "./presets.ts";

describe("the list of policies", () => {
  it("has every policy with its options, and never an option whose kind nobody knows", () => {
    for (const policy of POLICIES) {
      const text = describePolicy(policy);
      expect(text.split("\n")[0]).toBe(`${policy.name}: ${policy.title} (${policy.source})`);
      expect(text).not.toContain("anything");
      if (policy.dial) expect(text).toMatch(new RegExp(`^ {2}${policy.dial.option} .*for speed$`, "m"));
    }
  });

  it("says range and default", () => {
    const text = POLICIES.map(describePolicy).join("\n");
    expect(text).toMatch(/^ {2}speed +a number from 1 up to 6; trades quality for speed$/m);
    expect(text).toMatch(/^ {2}preset +one of visually-lossless, high, balanced, fast, turbo$/m);
    expect(text).toMatch(/^ {2}order +a whole number from 0 up to 4, default 1$/m);
    expect(text).toMatch(/^ {2}predictor +one of reuse, linear, velocity, default "linear"$/m);
  });
});

describe("the list of presets", () => {
  it("says what was measured, on what and when", () => {
    const [head, high, about] = describePresets(madeUpPresets(), "").split("\n");
    expect(head).toMatch(/^preset +asked for +computed +DiT time +PSNR dB \(p10\)/);
    expect(high).toMatch(/^high +1\.8x +1\.79x +1\.70x +38\.10 \(33\.20\) +0\.9800 \(0\.9500\) +0\.9700/);
    expect(about).toBe(
      "Against uncached videos: 96 prompts (test), 2 seeds, 50 steps, 2026-01-02, 012345678.",
    );
  });

  it("says how to measure where nobody has", () => {
    expect(describePresets(undefined, EMBEDDED_BUNDLE)).toMatch(
      /Not measured for this model\. Run:\n {2}mixcache bench --output presets --policies mixcache:preset/,
    );
    expect(describePresets(undefined, "wan")).toContain("mixcache bench --bundle wan --output");
  });
});

describe("options of the cache", () => {
  it("are nothing where nothing is said, and MixCache's where no policy is named", () => {
    expect(cacheOf({})).toBeUndefined();
    expect(cacheOf({ speed: 2 })).toEqual({ policy: "mixcache", speed: 2 });
    expect(cacheOf({ preset: "fast" })).toEqual({ policy: "mixcache", preset: "fast" });
    expect(cacheOf({ preset: "fast", cacheOptions: '{"correction": false}' })).toEqual({
      policy: "mixcache",
      preset: "fast",
      correction: false,
    });
    expect(cacheOf({ cache: "teacache", cacheOptions: '{"threshold": 0.2}' })).toEqual({
      policy: "teacache",
      threshold: 0.2,
    });
  });
});
