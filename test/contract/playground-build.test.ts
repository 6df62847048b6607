/** `npm start` builds the page when it is older than what it is made of, and only then. */

import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { isFresh } from "../../scripts/playground.ts";

const BUILT = "dist/playground/service-worker.js";
let root: string;

/** Writes a file as of so many seconds since 1970, and its folder too. */
function write(name: string, seconds: number): void {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, "");
  utimesSync(file, seconds, seconds);
  utimesSync(path.dirname(file), seconds, seconds);
}

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), "mixcache-build-"));
  write("src/playground/views/create.tsx", 100);
  utimesSync(path.join(root, "src/playground"), 100, 100);
  write("src/engine/index.ts", 100);
  write(BUILT, 200);
});
afterEach(() => rmSync(root, { recursive: true }));

it("is fresh when nothing changed since", () => {
  expect(isFresh(root)).toBe(true);
});

it.each([
  "src/playground/views/create.tsx",
  "src/engine/new/file.ts",
  "models/shapes/model.json",
  "vite.config.ts",
])("is not when %s is younger", (name) => {
  write(name, 300);
  utimesSync(root, 100, 100);
  expect(isFresh(root)).toBe(false);
});

it("is not when a file of a source's folder was deleted", () => {
  rmSync(path.join(root, "src/playground/views/create.tsx"));
  expect(isFresh(root)).toBe(false);
});

it("is fresh whatever tests did", () => {
  write("src/engine/index.test.ts", 300);
  utimesSync(path.join(root, "src/engine"), 100, 100);
  expect(isFresh(root)).toBe(true);
});

it("is not when it was never built", () => {
  rmSync(path.join(root, BUILT));
  expect(isFresh(root)).toBe(false);
});
