import { describe, expect, it } from "vitest";
import { policyFor } from "../../../../test/support/policies.ts";
import { mixcacheOptions, wantedSpeed } from "./options.ts";

describe("what may be said about MixCache", () => {
  it("is a speed, a word for one, or a quality", () => {
    const speed = (options: object) => wantedSpeed(mixcacheOptions.parse(options));
    expect(speed({})).toBe(1.8);
    expect(speed({ preset: "fast" })).toBe(2.6);
    expect(speed({ speed: 1.3 })).toBe(1.3);
    expect(speed({ quality: 2 })).toBeUndefined();
  });

  it.each([
    [{ speed: 2, preset: "fast" }, "cache", /give one of speed, preset and quality/],
    [{ speed: 0.5 }, "cache.speed", /at least 1/],
    [{ speed: 7 }, "cache.speed", /at most 6/],
    [{ quality: 0 }, "cache.quality", /quality/],
    [{ granularities: [] }, "cache.granularities", /granularities/],
    [{ granularities: ["token"] }, "cache.granularities.0", /granularities/],
    [{ predictor: "cubic" }, "cache.predictor", /predictor/],
    [{ hurry: true }, "cache", /hurry/],
  ])("%o is refused with a sentence", (options, field, sentence) => {
    const make = () => policyFor({ policy: "mixcache", ...options }, 12);
    expect(make).toThrow(expect.objectContaining({ code: "invalid_argument", field }));
    expect(make).toThrow(sentence);
  });
});
