/** `mixcache bench` as a person runs it: real engine, few steps. */

import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { Sandbox } from "./run.ts";

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.create();
  return () => box.remove();
});

const SMALL = ["--count", "1", "--steps", "4", "--threads", "1", "--output", "lab"];
const POLICIES = ["--policies", "easycache:threshold=9:warmup_steps=2,step-reduction:speed=2"];

it("runs, goes on, reports and verifies", async () => {
  const first = await box.run(["bench", ...POLICIES, ...SMALL, "--json"]);
  expect(first.code, first.stderr).toBe(0);
  const report = JSON.parse(first.stdout);
  expect(report.videos).toEqual({ planned: 3, there: 3 });
  const labels = report.rows.map(({ label }: { label: string }) => label);
  expect(labels).toEqual(["off", "easycache threshold=9 warmup_steps=2", "step-reduction speed=2"]);
  const [off, easycache, fewer] = report.rows;
  expect(fewer.speed.computed).toBe(2);
  expect(easycache.speed.computed).toBeGreaterThan(1);
  expect(easycache.metrics.psnr.mean).toBeGreaterThan(10);
  expect(off.adherence).toHaveProperty("all");
  expect(await readFile(box.pathOf("lab/index.html"), "utf8")).toContain("easycache");

  // Everything is there: no engine runs, and the numbers are the same.
  const again = await box.run(["bench", ...POLICIES, ...SMALL, "--json"]);
  expect(again.stderr).not.toContain("video");
  expect(JSON.parse(again.stdout).rows).toEqual(report.rows);

  const anew = await box.run(["bench", "report", "lab", "--archive", "--json"]);
  expect(JSON.parse(anew.stdout).rows).toEqual(report.rows);

  const verified = await box.run(["bench", "--verify", "100%", "--output", "lab"]);
  expect(verified.code, verified.stderr).toBe(0);
  expect(verified.stderr).toContain("3 results were made again: 3 are the same to the last bit.");
});

it("says which result differs when one was changed, and fails", async () => {
  const { groups } = JSON.parse(await readFile(box.pathOf("lab/experiment.json"), "utf8"));
  const file = box.pathOf(`lab/runs/${groups[0].runs["step-reduction speed=2"]}.json`);
  const result = JSON.parse(await readFile(file, "utf8"));
  await writeFile(file, JSON.stringify({ ...result, frames_sha256: "0" }));
  const { code, stderr } = await box.run(["bench", "--verify", "100%", "--output", "lab"]);
  expect(code).toBe(3);
  expect(stderr).toMatch(
    /step-reduction speed=2, seed 0, “.*”: other frames, PSNR \+0\.00 dB; the same decisions\./,
  );
  expect(stderr).toMatch(/mixcache: Of 3 results that were made again, 1 differ from lab/);
});

it("tunes a policy to a speedup, in the trials that it gets", async () => {
  const tune = ["bench", "tune", "--policies", "step-reduction,easycache:warmup_steps=2", "--targets", "1.5"];
  const options = ["--trials", "4", "--count", "1", "--steps", "6", "--threads", "1", "--output", "tuning"];
  const { code, stdout, stderr } = await box.run([...tune, ...options]);
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(/^tuning\/contestants\.json: \d contestants\n$/);
  const found = JSON.parse(await readFile(box.pathOf("tuning/contestants.json"), "utf8"));
  expect(found.trials).toHaveLength(4);
  const labels = found.contestants.map(({ label }: { label: string }) => label);
  expect(labels).toContain("step-reduction 1.5×");
  expect(labels.some((label: string) => label.startsWith("easycache warmup_steps=2 1."))).toBe(true);
});

it("refuses at once what can't be run, and says what to do", async () => {
  const refused = async (...args: string[]) => {
    const { code, stderr } = await box.run(["bench", ...args]);
    expect(code).toBe(2);
    return stderr;
  };
  expect(await refused("--output", "x")).toContain("--policies or --contestants");
  expect(await refused("--verify", "5", "--output", "lab")).toContain("write a share such as 5%");
  expect(await refused("--policies", "nothing", ...SMALL)).toContain("There is no cache policy “nothing”");
  expect(await refused("--policies", "off", "--prompts", "none.json", "--output", "x")).toContain(
    "none.json",
  );
  expect(await refused("report", "nowhere")).toContain("nowhere does not exist");
  expect(await refused("--policies", "off", "--shard", "3/2", "--output", "x")).toContain("--shard");
});
