import { readdir, readFile, writeFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { PROFILE_FORMAT } from "../../src/engine/cache/profile.ts";
import { PROMPT, Sandbox } from "./run.ts";

let box: Sandbox;
let env: Record<string, string>;
beforeAll(async () => {
  box = await Sandbox.create();
  env = { PROFILES: box.pathOf("profiles") };
  return () => box.remove();
});

const run = (...args: string[]) => box.run(args, { env });
const generate = (...options: string[]) =>
  run("generate", PROMPT, "--output", "out.webp", "--upscale", "off", "--json", ...options);

it("measures, is stopped by Ctrl-C, goes on, and leaves a profile that later runs find", async () => {
  const args = ["calibrate", "--quick", "--count", "2", "--steps", "16"];
  const first = box.start(args, { env });
  await first.said(/prompt 2 of 2/);
  first.kill("SIGINT");
  const stopped = await first.done;
  expect(stopped.code, stopped.stderr).toBe(130);
  expect(stopped.stderr).toMatch(/Stopped\. What was measured is kept in .*work; the same command goes on/);
  expect(await readdir(box.pathOf("profiles/work"))).toHaveLength(1);

  const { code, stdout, stderr } = await run(...args);
  expect(code, stderr).toBe(0);
  expect(stderr).not.toContain("prompt 1 of 2");
  expect(stdout).toMatch(/^2 prompts, 16 steps of flow_match_euler, 64x64x16, guidance 3\n/);
  expect(stdout).toMatch(/deviation of cfg +[\d.]+ +[\d.]+ +[\d.]+\n/);
  expect(stdout).toMatch(/polynomial of timestep_embedding: R² [\d.-]+\n/);
  const file = stdout.trim().split("\n").at(-1) ?? "";
  expect(file).toMatch(/profiles.[0-9a-f]{64}.flow_match_euler-16-64x64x16-g3\.json$/);
  const text = await readFile(file, "utf8");
  expect(text.length).toBeLessThan(100_000);
  expect(JSON.parse(text)).toMatchObject({ format: PROFILE_FORMAT, prompts: { count: 2 } });
});

it("writes where it is told; a video says by its digest that it was made with it", async () => {
  const args = ["calibrate", "--quick", "--count", "1", "--steps", "2", "--output", "two.json"];
  const made = await run(...args);
  expect(made.code, made.stderr).toBe(0);
  expect(made.stdout.trim().endsWith("\ntwo.json")).toBe(true);
  const { stdout } = await generate("--steps", "2", "--profile", "two.json");
  expect(JSON.parse(stdout)).toMatchObject({
    cache: { profile: expect.stringMatching(/^[0-9a-f]{64}$/) },
    notices: [expect.stringContaining("2 steps are too few")],
  });
});

it("checks a profile: fits, or what differs with code 2", async () => {
  const whole = await readFile(box.pathOf("two.json"), "utf8");
  await writeFile(box.pathOf("half.json"), whole.slice(0, whole.length / 2));
  await writeFile(box.pathOf("old.json"), whole.replace(PROFILE_FORMAT, "mixcache.profile/0"));
  const check = (file: string, ...options: string[]) => run("calibrate", "--check", file, ...options);
  expect(await check("two.json", "--steps", "2")).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^two\.json fits\.\n/),
  });
  for (const [outcome, sentence] of [
    [await check("half.json", "--steps", "2"), /The profile half\.json is cut off/],
    [
      await check("old.json", "--steps", "2"),
      /is of the format mixcache\.profile\/0, and this version reads/,
    ],
    [
      await check("two.json", "--steps", "4", "--guidance", "2"),
      /measured for another run: steps 2 instead of 4; the guidance scale 3 instead of 2\. Measure one/,
    ],
  ] as const) {
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toMatch(sentence);
  }
});

it("makes the video without a profile that was cut off or measured otherwise, and says so", async () => {
  for (const [file, steps, why] of [
    ["half.json", "2", "is cut off"],
    ["two.json", "1", "steps 2 instead of 1"],
  ] as const) {
    const { code, stdout, stderr } = await generate("--steps", steps, "--profile", file);
    expect(code, stderr).toBe(0);
    expect(stderr).toContain(why);
    expect(JSON.parse(stdout)).toMatchObject({
      cache: { profile: null },
      notices: expect.arrayContaining([expect.stringContaining(why)]),
    });
  }
});

it("refuses what can't be, before it starts", async () => {
  for (const [args, sentence] of [
    [["--prompts", "none.json"], /--prompts none\.json is no file with JSON/],
    [["--lags", "0"], /--lags is 0/],
    [["--check", "none.json"], /--check none\.json does not exist/],
    [["nowhere"], /bundle folder nowhere does not exist/],
    [["."], /Prompts for this model are needed/],
  ] as const) {
    const { code, stderr } = await run("calibrate", ...args);
    expect(code, stderr).toBe(2);
    expect(stderr).toMatch(sentence);
  }
});
