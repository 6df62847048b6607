/** Guarantee: what the form offers is what the engine has, and every choice is a request that the engine takes. */

import { describe, expect, it } from "vitest";
import { PRESETS } from "../../engine/cache/mixcache/options.ts";
import { fullRequest, POLICIES } from "../../engine/cache/policies.ts";
import {
  type CacheChoice,
  cacheOf,
  cacheWords,
  choiceOf,
  FIRST_CHOICE,
  PRESET_NAMES,
  SPEEDS,
  withRival,
} from "./cache-choice.ts";
import { RIVALS } from "./rivals.ts";

describe("the rivals", () => {
  const known = POLICIES.filter(({ name }) => name !== "off" && name !== "mixcache");

  it("are the engine's", () => {
    expect(RIVALS.map(({ name }) => name).sort()).toEqual(known.map(({ name }) => name).sort());
  });

  it.each(RIVALS)("$name has the engine's dial and default", (rival) => {
    const policy = known.find(({ name }) => name === rival.name);
    expect(policy).toMatchObject({ title: rival.title, ...(rival.assistable && { assistable: true }) });
    expect(policy?.assistable ?? false).toBe(rival.assistable);
    expect(policy?.dial).toMatchObject({ option: rival.option, slow: rival.slow, fast: rival.fast });
    const { [rival.option]: usual } = { ...policy?.read({ [rival.option]: rival.usual }) } as Record<
      string,
      unknown
    >;
    expect(usual).toBe(rival.usual);
    const defaults = fullRequestOrUndefined(rival.name);
    if (defaults?.[rival.option] !== undefined) expect(rival.usual).toBe(defaults[rival.option]);
  });
});

function fullRequestOrUndefined(policy: string) {
  try {
    return fullRequest({ policy });
  } catch {
    return undefined;
  }
}

it("the presets are the engine's, and the slider ends where MixCache's dial does", () => {
  expect(PRESET_NAMES).toEqual(Object.keys(PRESETS));
  expect(POLICIES.find(({ name }) => name === "mixcache")?.dial?.fast).toBe(SPEEDS.max);
});

const CHOICES: readonly CacheChoice[] = [
  { ...FIRST_CHOICE, kind: "off" },
  ...PRESET_NAMES.map((preset) => ({ ...FIRST_CHOICE, kind: "preset" as const, preset })),
  { ...FIRST_CHOICE, kind: "speed", speed: SPEEDS.min },
  { ...FIRST_CHOICE, kind: "speed", speed: SPEEDS.max },
  ...RIVALS.flatMap(({ name, assistable, slow, fast }) => [
    withRival(FIRST_CHOICE, name),
    { ...withRival(FIRST_CHOICE, name), dial: slow },
    { ...withRival(FIRST_CHOICE, name), dial: fast, assisted: assistable },
  ]),
];

describe("a choice", () => {
  it.each(CHOICES)(
    "is a request that the engine takes, and comes back from it: $kind $preset $speed $rival $dial",
    (choice) => {
      const request = cacheOf(choice);
      const full = fullRequest(request);
      expect(full).toMatchObject(request);
      expect(cacheOf(choiceOf(full))).toEqual(request);
    },
  );

  it("keeps no predictor that the next rival has not", () => {
    const assisted = { ...withRival(FIRST_CHOICE, "teacache"), assisted: true };
    expect(cacheOf(assisted)).toMatchObject({ predictor: "mixcache" });
    expect(cacheOf(withRival(assisted, "pab"))).toEqual({ policy: "pab", self_attention_range: 2 });
  });

  it("has words", () => {
    expect(cacheWords({ policy: "off" })).toBe("Uncached");
    expect(cacheWords({ policy: "mixcache", preset: "visually-lossless" })).toBe(
      "MixCache, visually lossless",
    );
    expect(cacheWords({ policy: "mixcache", speed: 2.5 })).toBe("MixCache, 2.5×");
    expect(cacheWords({ policy: "teacache", threshold: 0.1 })).toBe("TeaCache, threshold 0.1");
    expect(cacheWords({ policy: "somebody-elses" })).toBe("somebody-elses");
  });
});
