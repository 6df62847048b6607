import { describe, expect, it } from "vitest";
import { checkDraft, type Draft, EMPTY_DRAFT, problemsOf } from "./draft.ts";

const check = (fields: Partial<Draft>) =>
  checkDraft({ ...EMPTY_DRAFT, prompt: "a red circle", ...fields }, () => "42");

describe("a draft", () => {
  it("says the least that makes the video again: the prompt, a seed and the cache", () => {
    expect(check({ prompt: "  a red circle\n" })).toEqual({
      request: { prompt: "a red circle", seed: "42", cache: { policy: "mixcache", preset: "high" } },
    });
  });

  it("says what was filled in", () => {
    const fields = { seed: " 007 ", steps: "20", guidance: "2.5", negativePrompt: "a star" };
    expect(check(fields)).toMatchObject({
      request: { seed: "7", num_inference_steps: 20, guidance_scale: 2.5, negative_prompt: "a star" },
    });
  });

  it("keeps every digit of a seed", () => {
    expect(check({ seed: "18446744073709551615" })).toMatchObject({
      request: { seed: "18446744073709551615" },
    });
  });

  it.each<[Partial<Draft>, string]>([
    [{ prompt: " \n" }, "prompt"],
    [{ seed: "-1" }, "seed"],
    [{ seed: "18446744073709551616" }, "seed"],
    [{ seed: "1e3" }, "seed"],
    [{ steps: "0" }, "num_inference_steps"],
    [{ steps: "2.5" }, "num_inference_steps"],
    [{ steps: "many" }, "num_inference_steps"],
    [{ guidance: "-1" }, "guidance_scale"],
    [{ guidance: "Infinity" }, "guidance_scale"],
  ])("%j is refused at its field", (fields, field) => {
    const checked = check(fields);
    expect(Object.keys("problems" in checked ? checked.problems : {})).toEqual([field]);
  });

  it("is told of everything that is wrong at once", () => {
    expect(check({ prompt: "", seed: "x", steps: "x", guidance: "x" })).toEqual({
      problems: {
        prompt: expect.stringContaining("empty"),
        seed: expect.any(String),
        num_inference_steps: expect.any(String),
        guidance_scale: expect.any(String),
      },
    });
  });
});

it("errors are shown at their field, and what belongs to none under the form", () => {
  expect(problemsOf("too fast", "cache.speed")).toEqual({ cache: "too fast" });
  expect(problemsOf("too long", "prompt")).toEqual({ prompt: "too long" });
  expect(problemsOf("no", "deadline_seconds")).toEqual({ form: "no" });
  expect(problemsOf("no", undefined)).toEqual({ form: "no" });
});
