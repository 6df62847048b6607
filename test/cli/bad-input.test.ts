import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { canMount, Disk } from "./mount.ts";
import { type Outcome, PROMPT, Sandbox } from "./run.ts";

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.create();
  return () => box.remove();
});

/** One line for a person, nothing for a program, no trace of our insides. */
function expectSentence({ stdout, stderr }: Outcome, ...parts: (string | RegExp)[]) {
  expect(stdout).toBe("");
  expect(stderr).toMatch(/^(mixcache|error): [^\n]+\n(\((Did you mean|add --help)[^\n]*\n)*$/);
  for (const part of parts) expect(stderr).toMatch(part);
}

describe("input that can't be used ends with code 2, a sentence, and no file:", () => {
  it.each<[string, string[], (string | RegExp)[]]>([
    ["an empty prompt", [""], ["prompt is empty", "Say what"]],
    ["a prompt of spaces", ["   "], ["prompt is empty"]],
    ["a prompt of 10,000 characters", ["x".repeat(10_000)], ["prompt has 10000", "4000", "Shorten"]],
    ["a long negative", [PROMPT, "--negative", "x".repeat(10_000)], ["--negative", "10000", "Shorten"]],
    ["guidance NaN", [PROMPT, "--guidance", "NaN"], ["--guidance", "NaN", "not a number"]],
    ["negative guidance", [PROMPT, "--guidance", "-1"], ["--guidance", "-1", "0 to 100"]],
    ["endless guidance", [PROMPT, "--guidance", "Infinity"], ["--guidance", "Infinity", "0 to 100"]],
    ["0 steps", [PROMPT, "--steps", "0"], ["--steps", "1 to 1000"]],
    ["10,000 steps", [PROMPT, "--steps", "10000"], ["--steps", "10000", "1 to 1000"]],
    ["half a step", [PROMPT, "--steps", "2.5"], ["--steps", "2.5", "whole number"]],
    ["a width that does not fit", [PROMPT, "--size", "65x64"], ["--size", "width is 65", "only 64"]],
    ["a huge height", [PROMPT, "--size", "64x4096"], ["--size", "height is 4096", "only 64"]],
    ["a size that is none", [PROMPT, "--size", "64"], ["--size", "for example 64x64"]],
    ["frames that do not fit", [PROMPT, "--frames", "17"], ["--frames", "17", "only 16"]],
    ["a negative seed", [PROMPT, "--seed", "-1"], ["--seed", "“-1”", /0 to 2\^64 - 1/]],
    ["a broken seed", [PROMPT, "--seed", "1.5"], ["--seed", "“1.5”", "whole number"]],
    [
      "a seed of 2^64",
      [PROMPT, "--seed", "18446744073709551616"],
      ["seed is 18446744073709551616", /2\^64 - 1/],
    ],
    ["an unknown option", [PROMPT, "--sede", "1"], ["--sede", /Did you mean --seed\?/]],
    ["an unknown scheduler", [PROMPT, "--scheduler", "magic"], ["--scheduler", "unipc"]],
    ["an unknown policy", [PROMPT, "--cache", "magic"], ["--cache", "“magic”", "mixcache, static"]],
    [
      "a speed of another policy",
      [PROMPT, "--cache", "teacache", "--speed", "2"],
      ["--speed is for MixCache", "--cache is teacache"],
    ],
    [
      "a preset without a cache",
      [PROMPT, "--cache", "off", "--preset", "fast"],
      ["--preset", "--cache is off"],
    ],
    ["a speed and a preset", [PROMPT, "--speed", "2", "--preset", "fast"], ["--speed 2", "--preset fast"]],
    ["too much speed", [PROMPT, "--speed", "60"], ["--speed", "at most 6"]],
    ["a speed that is no number", [PROMPT, "--speed", "fast"], ["--speed", "not a number"]],
    ["an unknown preset", [PROMPT, "--preset", "best"], ["--preset", "visually-lossless"]],
    [
      "options that are no JSON",
      [PROMPT, "--cache-options", "speed=2"],
      ["--cache-options", "object of JSON"],
    ],
    ["options that are a list", [PROMPT, "--cache-options", "[1]"], ["--cache-options", "object of JSON"]],
    [
      "an option that the policy lacks",
      [PROMPT, "--cache", "teacache", "--cache-options", '{"treshold": 1}'],
      ["teacache", "treshold"],
    ],
    [
      "a wrong option",
      [PROMPT, "--cache", "teacache", "--cache-options", '{"threshold": -1}'],
      ["--cache-options", "threshold"],
    ],
    [
      "an option that is given twice",
      [PROMPT, "--speed", "2", "--cache-options", '{"speed": 3}'],
      ["--speed is in --cache-options too"],
    ],
    [
      "a policy among the options",
      [PROMPT, "--cache-options", '{"policy": "off"}'],
      ["Name the policy by --cache"],
    ],
    ["an unknown ending", [PROMPT, "--output", "out.avi"], ["--output out.avi", /\.mp4/, "--format webp"]],
    ["a sheet that is no PNG", [PROMPT, "--sheet", "out.jpg"], ["--sheet out.jpg", /\.png/]],
    ["an unknown device of threads", [PROMPT, "--threads", "0"], ["--threads", "1 to 256"]],
  ])("%s", async (_, args, parts) => {
    const outcome = await box.run(["generate", ...args]);
    expect(outcome.code, outcome.stderr).toBe(2);
    expectSentence(outcome, ...parts);
    expect(await box.files()).toEqual([]);
  });
});

describe("an environment that can't be used ends with code 2, a sentence, and no file:", () => {
  it.each<[string, Record<string, string>, (string | RegExp)[]]>([
    ["an unknown engine", { ENGINE: "tensorflow" }, ["ENGINE is “tensorflow”", "onnx or torch"]],
    ["torch without weights", { ENGINE: "torch" }, ["TORCH_WEIGHTS is not set", "diffusers folder"]],
    ["no number of threads", { THREADS: "all" }, ["THREADS is “all”", "1 to 256"]],
    [
      "a bundle that torch can't run",
      { ENGINE: "torch", TORCH_WEIGHTS: "weights" },
      ["not exported for the torch engine", "onnx"],
    ],
  ])("%s", async (_, env, parts) => {
    const outcome = await box.run(["generate", PROMPT], { env });
    expect(outcome.code, outcome.stderr).toBe(2);
    expectSentence(outcome, ...parts);
    expect(await box.files()).toEqual([]);
  });
});

describe("an output that can't be written ends with code 4 before the run, and nothing half-written:", () => {
  it("its folder does not exist", async () => {
    const outcome = await box.run(["generate", PROMPT, "--output", "no/out.mp4"]);
    expect(outcome.code, outcome.stderr).toBe(4);
    expectSentence(outcome, "no/out.mp4", "does not exist", "create");
  });

  it("it is a folder", async () => {
    await mkdir(box.pathOf("folder.mp4"));
    const outcome = await box.run(["generate", PROMPT, "--output", "folder.mp4"]);
    expect(outcome.code, outcome.stderr).toBe(4);
    expectSentence(outcome, "folder.mp4 is a folder", "name a file");
    expect(await readdir(box.pathOf("folder.mp4"))).toEqual([]);
  });

  it("its sheet's folder does not exist", async () => {
    const outcome = await box.run(["generate", PROMPT, "--output", "out.mp4", "--sheet", "no/out.png"]);
    expect(outcome.code, outcome.stderr).toBe(4);
    expectSentence(outcome, "no/out.png", "does not exist");
    expect(await box.files()).not.toContain("out.mp4");
  });
});

describe.skipIf(!canMount())("a disk of 64 KiB (needs root, to mount a tmpfs)", () => {
  let disk: Disk;
  beforeEach(() => {
    disk = new Disk("64k");
    return () => disk.remove();
  });

  it("that is too small for the video ends with code 4 and keeps the old file", async () => {
    await writeFile(disk.pathOf("out.webp"), "old");
    await writeFile(disk.pathOf("filler"), new Uint8Array(48 * 1024));
    const outcome = await box.run(["generate", PROMPT, "--steps", "1", "--output", disk.pathOf("out.webp")]);
    expect(outcome.code, outcome.stderr).toBe(4);
    expect(outcome.stderr).toMatch(
      /^step 1[\s\S]*mixcache: There is no space left for .*out\.webp; free some.*\n$/,
    );
    expect((await readdir(disk.folder)).toSorted()).toEqual(["filler", "out.webp"]);
    expect(await readFile(disk.pathOf("out.webp"), "utf8")).toBe("old");
  });

  it("that is full ends with code 4 before the run", async () => {
    await writeFile(disk.pathOf("filler"), new Uint8Array(64 * 1024)).catch(() => undefined);
    const outcome = await box.run(["generate", PROMPT, "--output", disk.pathOf("new.webp")]);
    expect(outcome.code, outcome.stderr).toBe(4);
    expectSentence(outcome, "no space left");
    expect(await readdir(disk.folder)).not.toContain("new.webp");
  });
});
