/** The layer rules of docs/engine.md, held against the imports of the source. */

import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import packageJson from "../../package.json" with { type: "json" };

const SOURCE = path.join(import.meta.dirname, "../../src");

/** Every source file (no tests) with the modules it imports; relative ones as paths from `src`. */
const imports = new Map(
  readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file) && !file.endsWith(".test.ts") && !file.endsWith("testing.ts"))
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

const withoutComments = (text: string) => text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");

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

  it("storage knows keys and bytes, and no other room", () => {
    expect(
      offences("storage", (name) => isOurs(name) && room(name) !== "storage" && name !== "errors.ts"),
    ).toEqual([]);
  });

  it("what Node adds knows the engine and stores, and neither jobs nor who serves or works", () => {
    const below = ["node", "engine", "storage"];
    const leaves = ["errors.ts", "logging.ts", "file-lock.ts"];
    expect(
      offences("node", (name) => isOurs(name) && !below.includes(room(name)) && !leaves.includes(name)),
    ).toEqual([]);
  });

  it("what a page adds knows the engine and how media make frames a file, and nothing of Node", () => {
    const below = ["browser", "engine"];
    const pure = ["frames", "mux", "nearest"].map((name) => `media/${name}.ts`);
    const leaves = ["errors.ts", "wire/hex.ts", ...pure];
    expect(
      offences("browser", (name) => isOurs(name) && !below.includes(room(name)) && !leaves.includes(name)),
    ).toEqual([]);
    for (const from of ["engine", "media", "node", "api", "worker", "cli", "service"])
      expect(offences(from, (name) => room(name) === "browser")).toEqual([]);
  });

  it("what a page loads has nothing that browsers lack", () => {
    const loaded = new Set<string>();
    const load = (file: string) => {
      if (loaded.has(file)) return;
      loaded.add(file);
      for (const name of imports.get(file) ?? []) load(name);
    };
    for (const entry of ["browser/index.ts", "browser/worker-main.ts"]) load(entry);
    expect([...loaded].filter((name) => name.startsWith("node:"))).toEqual([]);
    const { dependencies, optionalDependencies, devDependencies } = packageJson;
    const known = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
    const packages = [...loaded].filter((name) =>
      known.some((one) => name === one || name.startsWith(`${one}/`)),
    );
    expect(packages.sort()).toEqual([
      "@huggingface/tokenizers",
      "entities",
      "mediabunny",
      "onnxruntime-common",
      "onnxruntime-web/jspi",
      "onnxruntime-web/wasm",
      "onnxruntime-web/webgpu",
      "zod",
    ]);
  });

  it("no room imports the command line", () => {
    for (const from of ["engine", "media", "node", "lab"])
      expect(offences(from, (name) => room(name) === "cli")).toEqual([]);
  });

  it("only the command line knows the lab", () => {
    for (const from of ["engine", "media", "node"])
      expect(offences(from, (name) => room(name) === "lab")).toEqual([]);
  });

  it("schemas of requests are a leaf, for the API and the edge alike", () => {
    expect(
      offences("schemas", (name) => isOurs(name) && room(name) !== "schemas" && name !== "errors.ts"),
    ).toEqual([]);
    expect(offences("schemas", (name) => /^(node:|@|hono|pg)/.test(name))).toEqual([]);
  });

  it("what the edge and its origin agree on is a leaf, in any JavaScript runtime", () => {
    expect(offences("wire", (name) => isOurs(name) && room(name) !== "wire" && name !== "errors.ts")).toEqual(
      [],
    );
    expect(offences("wire", (name) => /^(node:|@|hono|zod|pg)/.test(name))).toEqual([]);
  });

  it("the edge knows the schemas and the wire, and nothing of Node", () => {
    const below = ["edge", "schemas", "wire"];
    expect(
      offences("edge", (name) => isOurs(name) && !below.includes(room(name)) && name !== "errors.ts"),
    ).toEqual([]);
    expect(offences("edge", (name) => name.startsWith("node:"))).toEqual([]);
    for (const from of ["api", "worker", "cli", "service"])
      expect(offences(from, (name) => room(name) === "edge")).toEqual([]);
  });

  it("the edge routes and refuses in less than 300 lines", () => {
    const files = [...imports.keys()].filter((file) => room(file) === "edge");
    const paths = ["../functions/edge.ts", ...files].map((file) => path.join(SOURCE, file));
    const lines = paths.map((file) => readFileSync(file, "utf8").split("\n").length - 1);
    expect(lines.length).toBeGreaterThan(4);
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThan(300);
  });

  it("the API knows neither workers nor the command line", () => {
    const below = ["api", "schemas", "wire", "engine", "jobs", "storage", "webhooks"];
    const leaves = ["errors.ts", "logging.ts", "moderation.ts", "telemetry/index.ts"];
    expect(
      offences("api", (name) => isOurs(name) && !below.includes(room(name)) && !leaves.includes(name)),
    ).toEqual([]);
  });

  it("the page knows the engine, the browser's engine and what the API's answers look like; nobody knows the page", () => {
    const below = ["playground", "browser", "engine", "schemas", "wire"];
    expect(
      offences("playground", (name) => isOurs(name) && !below.includes(room(name)) && name !== "errors.ts"),
    ).toEqual([]);
    expect(offences("playground", (name) => name.startsWith("node:"))).toEqual([]);
    for (const from of new Set([...imports.keys()].map(room)))
      if (from !== "playground") expect(offences(from, (name) => room(name) === "playground")).toEqual([]);
  });

  it("jobs know nothing of HTTP, files or workers; prices alone ask the engine what a video can cost", () => {
    const known = ["errors.ts", "file-lock.ts", "wire/key.ts", "wire/video-id.ts"];
    const stranger = (name: string) => isOurs(name) && room(name) !== "jobs" && !known.includes(name);
    const pricing = /^jobs\/(price-hold|usage)\.ts → engine\//;
    expect(offences("jobs", stranger).filter((offence) => !pricing.test(offence))).toEqual([]);
    expect(offences("jobs", (name) => /^(hono|@hono|node:(http|https|net))/.test(name))).toEqual([]);
  });

  it("webhooks know the jobs, and neither the API nor workers", () => {
    const known = ["errors.ts", "logging.ts"];
    const below = ["webhooks", "jobs"];
    expect(
      offences("webhooks", (name) => isOurs(name) && !below.includes(room(name)) && !known.includes(name)),
    ).toEqual([]);
  });

  it("only webhooks connect to where callers say", () => {
    const places = [...imports].filter(([, names]) =>
      names.some((name) => /^node:(https|tls|net)$/.test(name)),
    );
    expect(places.map(([file]) => room(file)).filter((name) => name !== "webhooks")).toEqual([]);
  });

  it("telemetry is a leaf, which knows nothing of what it observes", () => {
    expect(
      offences("telemetry", (name) => isOurs(name) && room(name) !== "telemetry" && name !== "errors.ts"),
    ).toEqual([]);
  });

  it("workers know neither the API nor the command line", () => {
    const below = ["engine", "media", "node", "storage", "jobs"];
    const known = ["errors.ts", "logging.ts", "moderation.ts", "telemetry/index.ts"];
    expect(
      offences(
        "worker",
        (name) => isOurs(name) && ![...below, "worker"].includes(room(name)) && !known.includes(name),
      ),
    ).toEqual([]);
  });

  it("statements are written in one place", () => {
    const writers = [...imports.keys()].filter((file) => {
      const text = withoutComments(readFileSync(path.join(SOURCE, file), "utf8"));
      return /\b(from|into|update|table|join) (mixcache|pgboss)\.[a-z_]/.test(text);
    });
    expect(writers.length).toBeGreaterThan(5);
    const places = ["jobs/sql/", "jobs/migrations/"];
    expect(writers.filter((file) => !places.some((place) => file.startsWith(place)))).toEqual([]);
  });

  it.each([
    ["onnxruntime-node", ["node/onnx-runtime.ts"]],
    ["onnxruntime-web/jspi", ["browser/onnx-runtime.ts"]],
    ["onnxruntime-web/wasm", ["browser/onnx-runtime.ts"]],
    ["onnxruntime-web/webgpu", ["browser/onnx-runtime.ts"]],
    ["pg-boss", ["jobs/queue.ts", "jobs/webhook-queue.ts"]],
    ["standardwebhooks", ["webhooks/sign.ts"]],
    ["ipaddr.js", ["webhooks/address.ts"]],
    ["pg", ["jobs/postgres-listen.ts", "jobs/postgres.ts"]],
    ["@electric-sql/pglite", ["jobs/pglite-prepared.ts", "jobs/pglite-upkeep.ts", "jobs/pglite.ts"]],
    ["node:sqlite", ["file-lock.ts"]],
    [
      "@aws-sdk/client-s3",
      ["s3-errors", "s3-place", "s3-rules", "s3-write", "s3"].map((name) => `storage/${name}.ts`),
    ],
    ["@aws-sdk/client-batch", ["launch/batch.ts"]],
    ["prom-client", ["telemetry/metrics.ts"]],
    ["@opentelemetry/api", ["telemetry/spans.ts"]],
    ["@opentelemetry/sdk-node", ["telemetry/tracing.ts"]],
  ])("%s is imported where it is wrapped, and nowhere else", (name, places) => {
    const importers = [...imports].filter(([, names]) => names.includes(name)).map(([file]) => file);
    expect(importers.sort()).toEqual(places);
  });

  it("the environment is read in one place", () => {
    const readers = [...imports.keys()].filter((file) => {
      const text = readFileSync(path.join(SOURCE, file), "utf8");
      // Setting a variable for a native library is no reading.
      return /process\.env(?!\.\w+ (\?\?)?= )/.test(text);
    });
    expect(readers).toEqual(["config/environment.ts"]);
    const rooms = new Set([...imports.keys()].map(room));
    for (const from of rooms)
      if (!["config", "service", "cli"].includes(from))
        expect(offences(from, (name) => room(name) === "config")).toEqual([]);
  });

  it("the configuration knows what it has to name, and no room", () => {
    const known = [
      "errors.ts",
      "jobs/price.ts",
      "launch/contract.ts",
      "node/bundles/reference.ts",
      "storage/s3-place.ts",
      "wire/cell.ts",
      "wire/proof.ts",
    ];
    expect(
      offences("config", (name) => isOurs(name) && room(name) !== "config" && !known.includes(name)),
    ).toEqual([]);
  });

  it("launchers know platforms, and no room; only who wires rooms together starts them", () => {
    expect(
      offences("launch", (name) => isOurs(name) && room(name) !== "launch" && name !== "errors.ts"),
    ).toEqual([]);
    for (const from of ["engine", "jobs", "worker", "api", "webhooks", "storage", "node"])
      expect(offences(from, (name) => room(name) === "launch")).toEqual([]);
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
