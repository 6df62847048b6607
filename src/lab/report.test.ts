import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { collect } from "./cells.ts";
import { fewerSteps } from "./contestants.ts";
import { spread } from "./page/plot.ts";
import { type Report, reportOf } from "./report.ts";
import { type Bench, bench, clean, fake } from "./testing.ts";
import { writeReport } from "./write-report.ts";

const PROMPTS = ["a", "bb", "</script><b>ccc", "dddd & dddd"].map((prompt) => ({ prompt }));
const CONTESTANTS = [
  fake("mixcache 2×", 0.4, 1, 2),
  fake("near 2×", 0.41, 4, 2),
  fake("far 2×", 0.5, 3, 2),
  fake("near odd", 0.8, 2),
  { ...fewerSteps(8, 2), label: "step-reduction 2×" },
];

let lab: Bench;
let report: Report;
let page = "";
beforeAll(async () => {
  lab = await bench(CONTESTANTS, {
    prompts: PROMPTS,
    seeds: [0, 1],
    base: { num_inference_steps: 8 },
    unreachable: [{ family: "stuck", target: 2, nearest: 1.4, range: [1, 1.4] }],
    trials: [1, 1.4].map((speedup) => ({ family: "stuck", dial: speedup, speedup })),
  });
  const { plan } = await lab.run();
  report = reportOf(plan, await collect(plan, lab.store));
  await writeReport(plan, lab.store);
  const { readFile } = await import("node:fs/promises");
  page = await readFile(`${lab.store.folder}/index.html`, "utf8");
});
afterAll(() => clean(lab));

const rowOf = (label: string) => report.rows.find((row) => row.label === label);

describe("the table", () => {
  it("has the speedup in computed FLOPs against the uncached run with all its steps", () => {
    // The first step is full, seven cost 0.4 each.
    expect(rowOf("mixcache 2×")?.speed.computed).toBeCloseTo(8 / (1 + 7 * 0.4), 10);
    expect(rowOf("step-reduction 2×")?.speed.computed).toBe(2);
    expect(rowOf("off")?.speed).toMatchObject({ computed: 1 });
  });

  it("has the measured speedup, the controller's share of a full step, and the memory", () => {
    const { speed, cache_bytes_peak, n } = rowOf("mixcache 2×") ?? {};
    expect(n).toBe(8);
    expect(cache_bytes_peak).toBe(1000);
    expect(speed?.real).toBeCloseTo(2.5, 1);
    expect(speed?.realised).toBeCloseTo(2.5 / (speed?.computed ?? 0), 1);
    expect(speed?.controller_share).toBeCloseTo(0.02 / 10, 3);
  });

  it("says how well a speed that was asked for is met", () => {
    const { speed } = rowOf("near 2×") ?? {};
    expect(speed?.target_error).toBeCloseTo(8 / (1 + 7 * 0.41) / 2 - 1, 10);
    expect(speed?.within_10_percent).toBe(1);
    expect(rowOf("near odd")?.speed.target_error).toBeUndefined();
  });
});

describe("comparisons", () => {
  it("are made where the speeds are within 3 %, and refused otherwise", () => {
    const found = report.comparisons.map(({ rival, differences }) => [rival, differences !== null]);
    expect(found).toEqual([
      ["near 2×", true],
      ["far 2×", false],
      ["step-reduction 2×", false],
    ]);
  });

  it("are paired, with an interval over prompts and not over videos", () => {
    const psnr = report.comparisons[0]?.differences?.psnr;
    expect(psnr).toMatchObject({ clusters: 4, n: 8 });
    // Errors of 1 against 4 in the same pixels: 12 dB, whatever the prompt.
    expect(psnr?.mean).toBeCloseTo(20 * Math.log10(4), 2);
    expect(psnr?.low).toBeGreaterThan(11.9);
  });
});

describe("the prompts", () => {
  it("come worst first, by the focus", () => {
    const psnr = report.by_prompt.map(({ contestants }) => contestants["mixcache 2×"]?.psnr ?? 0);
    expect(psnr).toHaveLength(4);
    expect(psnr).toEqual([...psnr].sort((a, b) => a - b));
  });
});

describe("the page", () => {
  it("asks for nothing outside itself, and says so to the browser", () => {
    expect(page).toMatch(
      /default-src 'none'; img-src data:; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'/,
    );
    // The data is images in base64, which may hold anything.
    const markup = page.replace(/<script type="application\/json"[\s\S]*?<\/script>/, "");
    expect(markup).not.toMatch(/https?:|\/\/[a-z]|@import|url\(|<link|<iframe|srcset|src="/i);
    expect(markup).not.toMatch(/ style=| on[a-z]+="/);
    expect(page.length).toBeLessThan(10e6);
  });

  it("is well formed: every element that is opened is closed, in order", () => {
    const empty = ["meta", "input", "br", "!doctype"];
    const open: string[] = [];
    const bodies = page.replace(/<(script|style)\b([^>]*)>[\s\S]*?<\/\1>/g, "<$1$2></$1>");
    for (const [, closing, name = "", selfClosed] of bodies.matchAll(/<(\/?)([a-z0-9!]+)[^>]*?(\/?)>/gi)) {
      if (selfClosed || empty.includes(name.toLowerCase())) continue;
      if (closing) expect(open.pop()).toBe(name);
      else open.push(name);
    }
    expect(open).toEqual([]);
  });

  it("shows prompts as text, whatever they hold", () => {
    expect(page).toContain("&lt;/script&gt;&lt;b&gt;ccc");
    expect(page).not.toContain("</script><b>");
    const data =
      /<script type="application\/json" id="stage-data">([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
    expect(JSON.parse(data).prompts.map((one: { prompt: string }) => one.prompt)).toContain(
      "</script><b>ccc",
    );
  });

  it("says what is unreachable, and what was not compared", () => {
    expect(page).toContain("unreachable: its dial gives 1× to 1.4×, the nearest is 1.4×");
    expect(page).toContain("Unreachable: stuck 2× (1 case).");
    expect(page).toContain("stuck at 1.4: 1.4×");
    expect(page).toMatch(/not compared: \d+\.\d % slower/);
    expect(page.slice(0, page.indexOf("<script"))).not.toMatch(/NaN|undefined|Infinity/);
  });

  it("has a script that a browser can read", () => {
    const script = /<script>([\s\S]*?)<\/script>/.exec(page)?.[1] ?? "";
    expect(script.length).toBeGreaterThan(1000);
    expect(() => new Function(script)).not.toThrow();
  });
});

describe("labels of curves", () => {
  it("keep their distance and their order, within bounds", () => {
    expect(spread([10, 11, 12], 5, [0, 100])).toEqual([10, 15, 20]);
    expect(spread([98, 99], 5, [0, 100])).toEqual([95, 100]);
    expect(spread([10, 50], 5, [0, 100])).toEqual([10, 50]);
  });
});
