/** The layer rules of docs/engine.md, held against the imports of the source. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = path.join(import.meta.dirname, "../../src");

/** Every source file (no tests) with the modules it imports; relative ones as paths from `src`. */
const imports = new Map(
  readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !file.endsWith("testing.ts"))
    .map((file) => {
      const text = readFileSync(path.join(SOURCE, file), "utf8");
      const found = [
        ...text.matchAll(
          /(?:^|\n)\s*(?:import|export)\b[^"';]*?["']([^"']+)["']|import\(\s*["']([^"']+)["']/g,
        ),
      ];
      const modules = found.map((match) => match[1] ?? match[2] ?? "");
      return [
        file,
        modules.map((name) => (name.startsWith(".") ? path.join(path.dirname(file), name) : name)),
      ] as const;
    }),
);

const room = (file: string) => (file.includes("/") ? (file.split("/")[0] ?? "") : "");
const isOurs = (name: string) => imports.has(name);

/** "file → module" for every import of a room that the rule forbids. */
function offences(from: string, forbidden: (name: string) => boolean): string[] {
  return [...imports]
    .filter(([file]) => room(file) === from)
    .flatMap(([file, names]) => names.filter(forbidden).map((name) => `${file} → ${name}`));
}

describe("layer rules", () => {
  it("sees the source", () => {
    expect(imports.size).toBeGreaterThan(30);
    expect(imports.get("engine/pipeline.ts")).toContain("engine/denoise.ts");
  });

  it("the engine imports nothing of Node and no other room", () => {
    expect(offences("engine", (name) => name.startsWith("node:") || name === "onnxruntime-node")).toEqual([]);
    expect(
      offences("engine", (name) => isOurs(name) && room(name) !== "engine" && name !== "errors.ts"),
    ).toEqual([]);
  });

  it("media knows what frames are, and nothing else of the engine", () => {
    const known = ["engine/frames.ts", "errors.ts"];
    expect(
      offences("media", (name) => isOurs(name) && room(name) !== "media" && !known.includes(name)),
    ).toEqual([]);
  });

  it("no room imports the command line", () => {
    for (const from of ["engine", "media", "node", "lab"])
      expect(offences(from, (name) => room(name) === "cli")).toEqual([]);
  });

  it("only the command line knows the lab", () => {
    for (const from of ["engine", "media", "node"])
      expect(offences(from, (name) => room(name) === "lab")).toEqual([]);
  });

  it("ONNX Runtime's native library is imported in one place", () => {
    const importers = [...imports]
      .filter(([, names]) => names.includes("onnxruntime-node"))
      .map(([file]) => file);
    expect(importers).toEqual(["node/onnx-runtime.ts"]);
  });

  it("the environment is read in one place", () => {
    const readers = [...imports.keys()].filter((file) => {
      const text = readFileSync(path.join(SOURCE, file), "utf8");
      // Setting a variable for a native library is no reading.
      return /process\.env(?!\.\w+ (\?\?)?= )/.test(text);
    });
    expect(readers).toEqual(["config.ts"]);
    for (const from of ["engine", "media", "node", "lab"])
      expect(offences(from, (name) => name === "config.ts")).toEqual([]);
  });

  it("there are no circles", () => {
    const done = new Set<string>();
    const visit = (file: string, trail: readonly string[]): string[] | undefined => {
      if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
      if (done.has(file)) return undefined;
      for (const name of imports.get(file) ?? []) {
        const circle = isOurs(name) ? visit(name, [...trail, file]) : undefined;
        if (circle) return circle;
      }
      done.add(file);
      return undefined;
    };
    for (const file of imports.keys()) expect(visit(file, [])).toBeUndefined();
  });
});
