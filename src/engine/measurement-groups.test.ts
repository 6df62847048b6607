import { describe, expect, it } from "vitest";
import type { Branch, Measurement, Prediction, Quantity } from "./cache/contract.ts";
import { together } from "./measurement-groups.ts";

const OUTPUT = { kind: "output" } as const;

const part = (branch: Branch) => ({ of: "part", part: OUTPUT, branch }) as const;
const kept = (branch: Branch, age: number) => ({ of: "kept", part: OUTPUT, branch, age }) as const;
const line = (branch: Branch, ages: readonly number[] = [0, 1]): Prediction => ({
  terms: ages.map((age) => ({ part: OUTPUT, branch, age, coefficient: age + 10 })),
});

function dots(own: Quantity, ...others: Quantity[]): Measurement[] {
  return [own, ...others].map((b) => ({ kind: "dot", a: own, b }));
}

function deviation(branch: Branch, prediction: Prediction): Measurement {
  return { kind: "relative_l1", a: { of: "predicted", part: OUTPUT, branch, prediction }, b: part(branch) };
}

const products = (branch: Branch) => dots(part(branch), kept(branch, 0), kept(branch, 1));

/** By group: its kind, its places, and the coefficients of its deviation. */
function groupsOf(...measurements: Measurement[]) {
  return together(measurements).map((group) => [
    group.kind,
    group.places,
    ...(group.kind === "products" && group.deviation ? [group.deviation] : []),
  ]);
}

describe("together", () => {
  it("takes a result's products with its deviation, each branch by itself, and every measurement once", () => {
    const groups = groupsOf(
      deviation("cond", line("cond")),
      deviation("uncond", line("uncond", [1, 0])),
      ...products("cond"),
      ...products("uncond"),
    );
    expect(groups).toEqual([
      ["products", [2, 3, 4, 0], [10, 11]],
      ["products", [5, 6, 7, 1], [10, 11]],
    ]);
  });

  it.each([
    ["of another branch", deviation("uncond", line("uncond"))],
    ["made of results of other ages", deviation("cond", line("cond", [1, 2]))],
    ["made of one result", deviation("cond", line("cond", [0]))],
    ["with the latents in it", deviation("cond", { ...line("cond"), latents: 0.5 })],
    [
      "of some frequencies only",
      deviation("cond", { terms: line("cond").terms.map((term) => ({ ...term, band: "low" as const })) }),
    ],
  ])("leaves a deviation %s alone", (_, other) => {
    expect(groupsOf(...products("cond"), other)).toEqual([
      ["products", [0, 1, 2]],
      ["alone", [3]],
    ]);
  });

  it("leaves products of fewer tensors, and of what lies in the backend, alone", () => {
    const blocks = { of: "part", part: { kind: "blocks", from: 1, to: 2 }, branch: "cond" } as const;
    const alone = [...dots(part("cond"), kept("cond", 0)), ...dots(blocks, blocks, blocks)];
    expect(groupsOf(...alone)).toEqual(alone.map((_, i) => ["alone", [i]]));
  });
});
