import { describe, expect, it } from "vitest";
import { fixtures, scriptOf } from "./fixtures.ts";
import { judge } from "./rebuild.ts";
import { failed, passed, summary } from "./report.ts";

describe("which script makes a fixture", () => {
  const exists = (file: string) =>
    ["python/parity/wan.py", "python/parity/hunyuan_video.py", "python/parity/wan_22_5b.py"].includes(file);

  it.each([
    ["wan", "python/parity/wan.py"],
    ["hunyuan-video", "python/parity/hunyuan_video.py"],
    ["wan-2.2-5b", "python/parity/wan_22_5b.py"],
    ["wan-2.2-a14b", undefined],
  ])("%s", (model, script) => {
    expect(scriptOf(model, exists)).toBe(script);
  });

  it("every fixture in the repository has one", () => {
    expect(fixtures().filter(({ script }) => script === undefined)).toEqual([]);
  });
});

describe("what a comparison means", () => {
  const same = { identical: true, files: 3, differences: [], failures: [] };
  const differs = (what: string, largest: number) => ({ file: "golden.bin", what, largest, tolerance: 1e-4 });

  it("identical bytes pass, and that is said", () => {
    expect(judge(same)).toEqual({ status: "passed", detail: "3 files, byte for byte" });
  });

  it("last bits pass, with the widest difference named", () => {
    const outcome = judge({
      ...same,
      identical: false,
      differences: [differs("a", 1e-7), differs("b", 2e-6)],
    });
    expect(outcome.status).toBe("passed");
    expect(outcome.detail).toContain("b of golden.bin by 2.0e-6");
  });

  it("anything that the comparer refuses fails", () => {
    expect(judge({ ...same, identical: false, failures: ["golden.bin is gone."] })).toEqual({
      status: "failed",
      detail: "golden.bin is gone.",
    });
  });
});

it("the summary ends with the counts, failures beside them", () => {
  const lines = summary([
    { check: "rebuild: wan", seconds: 2, ...failed("no\nsuch thing") },
    { check: "tests", seconds: 1, ...passed("all") },
  ]).split("\n");
  expect(lines.at(-1)).toBe("parity: 1 passed, 1 failed, 0 skipped");
  expect(lines.at(-3)).toContain("FAILED");
});
