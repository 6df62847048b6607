/** What a run says of itself in a file replays to the same decisions; a file that was changed does not. */

import { readFile, writeFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { traceSchema } from "../../src/engine/trace-schema.ts";
import { PROMPT, Sandbox } from "./run.ts";

const STEPS = 14;

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.create();
  return () => box.remove();
});

const read = async (file: string) => traceSchema.parse(JSON.parse(await readFile(box.pathOf(file), "utf8")));

describe("the trace of", () => {
  it.each<[string, string[]]>([
    ["mixcache", []],
    ["fbcache", ["--cache", "fbcache", "--cache-options", '{"threshold": 0.5}']],
    ["easycache", ["--cache", "easycache", "--cache-options", '{"threshold": 0.5}']],
  ])("%s says what was saved, and replays to the same decisions", async (policy, options) => {
    const trace = `${policy}.json`;
    const args = ["generate", PROMPT, "--steps", `${STEPS}`, "--output", `${policy}.webp`, "--json"];
    const made = await box.run([...args, "--trace", trace, ...options]);
    expect(made.code, made.stderr).toBe(0);
    expect(made.stderr).toMatch(
      new RegExp(`^${policy}: \\d+ of ${STEPS} steps computed in full, [\\d.]+x less DiT work, `, "m"),
    );
    const file = await read(trace);
    const { cache } = JSON.parse(made.stdout);
    expect(cache).toMatchObject({ policy, modes: file.totals.modes, profile: null });
    expect(cache.speedup).toBeCloseTo(file.totals.ideal_speedup, 3);
    expect(cache.speedup).toBeGreaterThan(1.2);
    expect(file.cache).toEqual({ policy, ...cache.options });
    expect(file.steps.map(({ index }) => index)).toEqual(Array.from({ length: STEPS }, (_, i) => i));
    expect(file.totals.dit_flops).toBe(file.steps.reduce((sum, { flops }) => sum + flops, 0));
    const replayed = await box.run(["replay", trace]);
    expect(replayed).toMatchObject({ code: 0, stdout: `identical: ${STEPS} steps of ${policy}\n` });
  });
});

describe("a trace that", () => {
  it("was changed is found out with code 1, at its step", async () => {
    const file = await read("fbcache.json");
    const step = file.steps.findIndex(({ mode }) => mode !== "full");
    const changed = file.steps.map((one) => (one.index === step ? { ...one, mode: "full" } : one));
    await writeFile(box.pathOf("changed.json"), JSON.stringify({ ...file, steps: changed }));
    const { code, stderr } = await box.run(["replay", "changed.json"]);
    expect(code).toBe(1);
    expect(stderr).toMatch(new RegExp(`^mixcache: At step ${step} of ${STEPS}, mode of fbcache .*"full"`));
  });

  it.each<[string, (text: string) => string, RegExp]>([
    ["was cut off", (text) => text.slice(0, text.length / 2), /cut off/],
    ["is of another format", (text) => text.replace("mixcache.trace/1", "mixcache.trace/9"), /format/],
    ["is of another bundle", (text) => text.replace(/"digest": "\w+"/, '"digest": "0123"'), /--bundle/],
    ["had a profile", (text) => text.replace('"profile": null', '"profile": "0123"'), /--profile/],
  ])("%s is refused with a sentence", async (_, change, sentence) => {
    await writeFile(box.pathOf("wrong.json"), change(await readFile(box.pathOf("mixcache.json"), "utf8")));
    const { code, stdout, stderr } = await box.run(["replay", "wrong.json"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(sentence);
    expect(stderr).toMatch(/^mixcache: [^\n]+\n$/);
  });

  it("is not there is named", async () => {
    expect(await box.run(["replay", "no.json"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("no.json"),
    });
  });
});
