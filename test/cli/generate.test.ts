import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { PROMPT, Sandbox } from "./run.ts";

let box: Sandbox;
beforeAll(async () => {
  box = await Sandbox.create();
  return () => box.remove();
});

const generate = (...options: string[]) => ["generate", PROMPT, "--steps", "2", ...options];
const isPng = (bytes: Buffer) => bytes.subarray(1, 4).toString("latin1") === "PNG";
const isMp4 = (bytes: Buffer) => bytes.subarray(4, 8).toString("latin1") === "ftyp";
const isWebp = (bytes: Buffer) => bytes.subarray(8, 12).toString("latin1") === "WEBP";

it("makes the same video from the same command at another time, and another one from another seed", async () => {
  const startedMs = performance.now();
  const first = await box.run(generate("--seed", "7", "--output", "first.mp4", "--json"));
  expect(first).toMatchObject({ code: 0 });
  // Clocks that leak into files count seconds.
  await wait(Math.max(0, startedMs + 1100 - performance.now()));
  const again = await box.run(generate("--seed", "7", "--output", "again.mp4", "--json"));
  const other = await box.run(generate("--seed", "8", "--output", "other.mp4", "--json"));
  const [a, b, c] = [first, again, other].map(({ stdout }) => JSON.parse(stdout));
  expect(a).toMatchObject({
    output: "first.mp4",
    prompt: PROMPT,
    seed: 7,
    num_inference_steps: 2,
    guidance_scale: 3,
    width: 64,
    height: 64,
    num_frames: 16,
    fps: 8,
    frames_sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    bundle: { id: "shapes", digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
    notices: [expect.stringContaining("2 steps are too few to cache any")],
  });
  expect(b.frames_sha256).toBe(a.frames_sha256);
  // The prompt and the negative one, empty here, were in the cache of the user by then.
  expect([a, b, c].map(({ text_cached }) => text_cached)).toEqual([0, 2, 2]);
  expect(c.frames_sha256).not.toBe(a.frames_sha256);
  const file = await readFile(box.pathOf("first.mp4"));
  expect(isMp4(file)).toBe(true);
  expect(file.equals(await readFile(box.pathOf("again.mp4")))).toBe(true);
  expect(file.equals(await readFile(box.pathOf("other.mp4")))).toBe(false);
  // Nothing in the home or the temporary folder either.
  expect((await box.files()).toSorted()).toEqual(["again.mp4", "first.mp4", "other.mp4"]);
});

it("writes WebP and a contact sheet, and says in one line on stdout what it made", async () => {
  const { code, stdout, stderr } = await box.run(generate("--output", "ring.webp", "--sheet", "ring.png"));
  expect(code, stderr).toBe(0);
  expect(stdout).toMatch(
    /^ring\.webp and ring\.png: 16 frames of 64x64 at 8 fps, seed 0, 2 steps, [\d.]+ s\n$/,
  );
  expect(isWebp(await readFile(box.pathOf("ring.webp")))).toBe(true);
  expect(isPng(await readFile(box.pathOf("ring.png")))).toBe(true);
});

it("names words that the model does not know, and makes the video without them", async () => {
  const options = ["--steps", "1", "--cache", "off", "--output", "unknown.webp", "--json"];
  const { code, stdout, stderr } = await box.run(["generate", "a red circle quibbles", ...options]);
  expect(code, stderr).toBe(0);
  expect(stderr).toContain("“quibbles”");
  expect(JSON.parse(stdout).notices).toEqual([expect.stringContaining("“quibbles”")]);
});

it("finishes the video though nobody listens to what it says any more", async () => {
  const cli = box.start(generate("--output", "unheard.webp"));
  cli.stopListening();
  expect(await cli.done).toMatchObject({ code: 0 });
  expect(isWebp(await readFile(box.pathOf("unheard.webp")))).toBe(true);
});

it("replaces a file that is there by a whole one, though two runs write it at once", async () => {
  await writeFile(box.pathOf("both.mp4"), "old");
  const command = generate("--seed", "7", "--output", "both.mp4", "--json");
  const outcomes = await Promise.all([box.run(command), box.run(command)]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
  const alone = await box.run(generate("--seed", "7", "--output", "alone.mp4"));
  expect(alone.code, alone.stderr).toBe(0);
  const [both, one] = await Promise.all(["both.mp4", "alone.mp4"].map((file) => readFile(box.pathOf(file))));
  expect(both?.equals(one ?? Buffer.of())).toBe(true);
  expect((await box.files()).filter((file) => file.startsWith("."))).toEqual([]);
});

it("without the codec package refuses mp4 before the run, says how to install it, and still makes WebP", async () => {
  const hook = path.join(import.meta.dirname, "without-codecs.mjs");
  const env = { NODE_OPTIONS: `--import=${hook}` };
  const mp4 = await box.run(generate("--output", "no-codec.mp4"), { env });
  expect(mp4).toMatchObject({ code: 4, stdout: "" });
  expect(mp4.stderr).toMatch(/^mixcache: MP4 needs .*npm install @mediabunny\/server.*--format webp.*\n$/);
  const webp = await box.run(generate("--output", "no-codec.out", "--format", "webp"), { env });
  expect(webp.code, webp.stderr).toBe(0);
  expect(isWebp(await readFile(box.pathOf("no-codec.out")))).toBe(true);
  expect(await box.files()).not.toContain("no-codec.mp4");
});
