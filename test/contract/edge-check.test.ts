/** Guarantee: a wrangler.toml that says something wrong does not pass `npm run edge:check`. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { edgeFaults } from "../../scripts/edge-check.ts";

const ROOT = path.join(import.meta.dirname, "../..");
const text = readFileSync(path.join(ROOT, "wrangler.toml"), "utf8");
// Where wrangler keeps its own things; git ignores it.
mkdirSync(path.join(ROOT, ".wrangler"), { recursive: true });
const folder = mkdtempSync(path.join(ROOT, ".wrangler/check-"));
afterAll(() => rmSync(folder, { recursive: true }));

function broken(part: string, instead: string): string {
  const file = path.join(folder, "wrangler.toml");
  expect(text).toContain(part);
  const main = path.relative(folder, path.join(ROOT, "functions/edge.ts"));
  writeFileSync(file, text.replace("functions/edge.ts", main).replace(part, instead));
  return file;
}

describe("wrangler.toml", () => {
  it("can be deployed", async () => {
    expect(await edgeFaults()).toBe("");
    expect(await edgeFaults(broken("mixcache-edge", "mixcache-edge"))).toBe("");
  });

  it.each([
    ["compatibility_date", "compatability_date"],
    ["namespace_id", "namespace"],
    ["period = 60", "period = 61"],
  ])("with %s as %s can't", async (part, instead) => {
    expect(await edgeFaults(broken(part, instead))).not.toBe("");
  });
});
