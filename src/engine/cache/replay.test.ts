import { describe, expect, it } from "vitest";
import { maskOf, policyFor, runInfo } from "../../../test/support/policies.ts";
import type { CachePolicy, Part, StepOutcome } from "./contract.ts";
import { replay } from "./replay.ts";

const ATTENTION: Part & { kind: "modules" } = { kind: "modules", modules: ["self_attn"], from: 0, to: 8 };
const FEED_FORWARD: Part & { kind: "modules" } = { kind: "modules", modules: ["ff"], from: 0, to: 8 };

describe("replay", () => {
  const fbcache = () => policyFor({ policy: "fbcache", threshold: 0.1 }, 3);

  it.each([
    ["fewer scalars", [[], [], [0.2]], /step 1 the policy asks for more scalars/],
    ["more scalars", [[], [0.2], [0.2, 0.3]], /step 2 the policy asks for fewer scalars/],
    ["other steps", [[], [0.2]], /has 2 steps and the run 3/],
  ])("refuses a trace with %s than the policy wants", (_, scalars, sentence) => {
    const recorded = scalars.map((ofStep) => ({ scalars: ofStep }));
    expect(() => replay(fbcache(), runInfo(3), recorded)).toThrow(sentence);
  });

  it("takes what JSON could not write for what it was: no number, so the step was computed", () => {
    const recorded = [[], [Number.NaN], [0.01]].map((scalars) => ({ scalars }));
    const direct = replay(fbcache(), runInfo(3), recorded);
    expect(maskOf(direct)).toBe("110");
    expect(maskOf(replay(fbcache(), runInfo(3), JSON.parse(JSON.stringify(recorded))))).toBe("110");
  });

  it("tells the policy what the loop would have kept", () => {
    const seen: StepOutcome["refreshed"][] = [];
    const policy: CachePolicy = {
      name: "scripted",
      requires: {
        keep: [
          { part: { kind: "output" }, depth: 1 },
          { part: { kind: "guidance_delta" }, depth: 1 },
          { part: ATTENTION, depth: 1, refresh: "computed" },
          { part: FEED_FORWARD, depth: 1, refresh: "computed" },
        ],
        signals: [],
        cuts: [],
      },
      start: () => ({
        plan: ({ index }) => ({
          kind: "run",
          branches:
            index === 0
              ? {}
              : { cond: { kind: "modules", reuse: [{ part: ATTENTION, prediction: { terms: [] } }] } },
        }),
        measureAfter: () => [],
        observe: ({ refreshed }) => void seen.push(refreshed),
        event: () => {},
      }),
    };
    replay(policy, runInfo(2, { branches: ["cond", "uncond"] }), [{ scalars: [] }, { scalars: [] }]);
    const names = seen.map((step) =>
      step.map(({ part, branch }) => `${branch} ${"modules" in part ? part.modules : part.kind}`),
    );
    expect(names).toEqual([
      [
        "cond output",
        "uncond output",
        "uncond guidance_delta",
        "cond self_attn",
        "uncond self_attn",
        "cond ff",
        "uncond ff",
      ],
      ["uncond output", "uncond self_attn", "cond ff", "uncond ff"],
    ]);
  });
});
