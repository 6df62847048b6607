import { describe, expect, it } from "vitest";
import { PROMPT_SETS, promptSet, readPrompts } from "./prompts.ts";

/** What a video shows, without its words. */
function scenes(name: (typeof PROMPT_SETS)[number]): string[] {
  return promptSet(name).map(({ expected }) => {
    const { prompt: _, ...scene } = expected ?? { prompt: "" };
    return JSON.stringify(scene);
  });
}

describe("the sets that come along", () => {
  it("have the sizes that the lab promises", () => {
    expect(PROMPT_SETS.map((name) => [name, promptSet(name).length])).toEqual([
      ["calibration", 16],
      ["tuning", 8],
      ["test", 96],
    ]);
  });

  it("share neither a text nor a scene: nothing is judged on what it was tuned on", () => {
    const pairs = PROMPT_SETS.flatMap((a, i) => PROMPT_SETS.slice(i + 1).map((b) => [a, b] as const));
    for (const [a, b] of pairs) {
      const texts = new Set(promptSet(a).map(({ prompt }) => prompt));
      expect(promptSet(b).filter(({ prompt }) => texts.has(prompt))).toEqual([]);
      const seen = new Set(scenes(a));
      expect(scenes(b).filter((scene) => seen.has(scene))).toEqual([]);
    }
  });
});

describe("a file of prompts", () => {
  it("is a list of texts, or of videos with or without what is expected of them", () => {
    expect(readPrompts(["a", "b"], "x.json")).toEqual([{ prompt: "a" }, { prompt: "b" }]);
    expect(readPrompts({ videos: [{ prompt: "a" }] }, "x.json")).toEqual([{ prompt: "a" }]);
  });

  it("is refused with its name where it is something else, or says a thing twice", () => {
    expect(() => readPrompts({ prompts: [] }, "x.json")).toThrow(/x\.json holds no prompts/);
    expect(() => readPrompts([], "x.json")).toThrow(/x\.json holds no prompts/);
    expect(() => readPrompts(["a", "b", "a"], "x.json")).toThrow(/“a” twice/);
  });
});
