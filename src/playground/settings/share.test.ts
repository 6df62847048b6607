import { describe, expect, it } from "vitest";
import { FIRST_CHOICE, withRival } from "./cache-choice.ts";
import { type Draft, EMPTY_DRAFT } from "./draft.ts";
import { draftOfQuery, queryOfDraft } from "./share.ts";

const DRAFTS: readonly Draft[] = [
  { ...EMPTY_DRAFT, prompt: "a red circle & a 50 % star, #1" },
  {
    ...EMPTY_DRAFT,
    prompt: "a",
    negativePrompt: "b",
    seed: "18446744073709551615",
    steps: "20",
    guidance: "2.5",
  },
  { ...EMPTY_DRAFT, prompt: "a", cache: { ...FIRST_CHOICE, kind: "speed", speed: 2.4 } },
  { ...EMPTY_DRAFT, prompt: "a", cache: { ...FIRST_CHOICE, kind: "off" } },
  {
    ...EMPTY_DRAFT,
    prompt: "a",
    cache: { ...withRival(FIRST_CHOICE, "fbcache"), dial: 0.3, assisted: true },
  },
];

describe("a shared draft", () => {
  it.each(DRAFTS)("comes back from its address: %j", (draft) => {
    const address = queryOfDraft(draft).toString();
    expect(draftOfQuery(new URLSearchParams(address))).toEqual(draft);
  });

  it("is none where the address says nothing of it", () => {
    expect(draftOfQuery(new URLSearchParams("utm_source=x"))).toBeUndefined();
  });

  it("that somebody edited still fills in the form", () => {
    expect(draftOfQuery(new URLSearchParams("seed=banana&cache=mixcache&cache.speed=fast"))).toMatchObject({
      seed: "banana",
      cache: { kind: "preset", preset: "high" },
    });
  });
});
