import { readdirSync } from "node:fs";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { EMBEDDED_BUNDLE } from "../../src/node/index.ts";
import { canMount, Disk } from "./mount.ts";
import { PROMPT, Sandbox } from "./run.ts";

const GOOD = EMBEDDED_BUNDLE;

let box: Sandbox;
let home: string;
beforeAll(async () => {
  box = await Sandbox.create();
  home = await mkdtemp(box.pathOf("bundles-"));
  return () => box.remove();
});

/** A copy of the bundle with something done to it. */
async function damaged(name: string, damage: (fileOf: (file: string) => string) => Promise<unknown>) {
  const folder = path.join(home, name);
  await cp(GOOD, folder, { recursive: true });
  await damage((file) => path.join(folder, file));
  return folder;
}

async function replace(file: string, change: (text: string) => string) {
  const before = await readFile(file, "latin1");
  const after = change(before);
  expect(after).not.toBe(before);
  await writeFile(file, after, "latin1");
}

describe("a bundle that can't be used ends with code 2 and a sentence, for inspect and generate:", () => {
  it.each<[string, (fileOf: (file: string) => string) => Promise<unknown>, RegExp]>([
    ["no folder", (fileOf) => rm(fileOf(""), { recursive: true }), /does not exist/],
    ["no manifest", (fileOf) => rm(fileOf("model.json")), /There is no model\.json in .*Give the folder/],
    [
      "a file missing",
      (fileOf) => rm(fileOf("text.bin")),
      /lacks the file text\.bin .*Copy the bundle again/,
    ],
    [
      "a file changed by one byte",
      (fileOf) =>
        replace(fileOf("head.bin"), (bytes) => String.fromCharCode(bytes.charCodeAt(0) ^ 1) + bytes.slice(1)),
      /The file head\.bin .* is not the one .*sha256 .*Copy the bundle again/,
    ],
    [
      "an unknown format",
      (fileOf) =>
        replace(fileOf("model.json"), (text) => text.replace("mixcache.bundle/1", "mixcache.bundle/99")),
      /has the format "mixcache\.bundle\/99"; .*Export it again/,
    ],
    [
      "a manifest that is cut short",
      (fileOf) => replace(fileOf("model.json"), (text) => text.slice(0, text.length / 2)),
      /model\.json in .* is not JSON.*copy the bundle again/,
    ],
    [
      "a manifest with a field of another type",
      (fileOf) =>
        replace(fileOf("model.json"), (text) => text.replace('"default_steps": 50', '"default_steps": "x"')),
      /model\.json in .* is not valid: default_steps/,
    ],
  ])("%s", async (name, damage, sentence) => {
    const folder = await damaged(name, damage);
    const inspected = await box.run(["inspect", folder]);
    const generated = await box.run(["generate", PROMPT, "--bundle", folder, "--output", "out.webp"]);
    for (const { code, stdout, stderr } of [inspected, generated]) {
      expect(code, stderr).toBe(2);
      expect(stdout).toBe("");
      expect(stderr).toMatch(/^mixcache: [^\n]+\n$/);
      expect(stderr).toMatch(sentence);
      expect(stderr).toContain(folder);
    }
    expect(await box.files()).toEqual([path.basename(home)]);
  });
});

describe("the good bundle", () => {
  it("is described by inspect, in words and as JSON", async () => {
    const { code, stdout, stderr } = await box.run(["inspect"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("Shapes (shapes, mixcache.bundle/1)");
    expect(stdout).toMatch(/digest +sha256:[0-9a-f]{64}\n/);
    expect(stdout).toContain(`folder      ${GOOD}\n`);
    expect(stdout).toMatch(/video +64x64, 16 frames at 8 fps/);
    expect(stdout).toMatch(/files +\d+, [\d.]+ MB; every digest matches/);
    expect(stdout).toMatch(/denoiser main: 8 blocks, guidance cfg/);
    const shares = [...stdout.matchAll(/([\d.]+) % of the FLOPs/g)].map(([, share]) => Number(share));
    expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 0);
    const asJson = await box.run(["inspect", GOOD, "--json"]);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ id: "shapes", format: "mixcache.bundle/1" });
  });

  async function hashWith(bundle: string): Promise<string> {
    const options = ["--steps", "1", "--output", "out.webp", "--json", "--bundle", bundle];
    const { code, stdout, stderr } = await box.run(["generate", PROMPT, ...options]);
    expect(code, stderr).toBe(0);
    return JSON.parse(stdout).frames_sha256;
  }

  it("works as links to its files, as model caches keep them", async () => {
    const folder = await mkdtemp(path.join(home, "links-"));
    for (const file of readdirSync(GOOD)) await symlink(path.join(GOOD, file), path.join(folder, file));
    expect(await hashWith(folder)).toBe(await hashWith(GOOD));
  });

  it.skipIf(!canMount())(
    "works on a read-only disk (needs root, to mount a tmpfs)",
    async ({ onTestFinished }) => {
      const disk = new Disk("64m");
      onTestFinished(() => disk.remove());
      await cp(GOOD, disk.pathOf("shapes"), { recursive: true });
      disk.makeReadOnly();
      await expect(writeFile(disk.pathOf("shapes/x"), "")).rejects.toMatchObject({ code: "EROFS" });
      expect(await hashWith(disk.pathOf("shapes"))).toBe(await hashWith(GOOD));
    },
  );
});
