/** What the deployment files promise beyond their schemas: who has a GPU, what is secret, how workers end. */

import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { variables } from "../../src/config/variables/index.ts";

const REPOSITORY = path.join(import.meta.dirname, "../..");
/** A worker hands its video back within this time of SIGTERM, in seconds. */
const HAND_BACK_SECONDS = 10;
const SECRETS = [
  "DATABASE_URL",
  "OPERATOR_KEY",
  "WEBHOOK_KEY",
  "INTERNAL_TOKEN",
  "EDGE_SECRET",
  "AWS_SECRET_ACCESS_KEY",
];

type Tree = { readonly [key: string]: unknown };
const container = z.object({
  name: z.string().optional(),
  args: z.array(z.string()),
  env: z.array(
    z.object({ name: z.string(), value: z.string().optional(), valueFrom: z.unknown().optional() }),
  ),
  resources: z.object({ limits: z.record(z.string(), z.unknown()) }),
});

/** Every object in a document, outermost first. */
function* objectsIn(value: unknown): Generator<Tree> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Tree;
  for (const one of Object.values(value)) yield* objectsIn(one);
}

function find(documents: readonly Tree[], key: string): unknown {
  for (const document of documents) for (const one of objectsIn(document)) if (key in one) return one[key];
  return undefined;
}

describe("the manifests", () => {
  let documents: Tree[];
  let containers: z.infer<typeof container>[];
  const kubernetes = (kind: string) => documents.filter((one) => one.kind === kind);

  beforeAll(async () => {
    documents = [];
    for (const file of globSync("infra/{kubernetes,cloud-run}/*.yaml", { cwd: REPOSITORY })) {
      const text = await readFile(path.join(REPOSITORY, file), "utf8");
      documents.push(...parseAllDocuments(text).map((one) => one.toJS() as Tree));
    }
    containers = documents
      .flatMap((document) => [...objectsIn(document)])
      .flatMap((one) => (Array.isArray(one.containers) ? one.containers.map((c) => container.parse(c)) : []));
    expect(containers).toHaveLength(7);
  });

  it("give a GPU to workers and to nobody else", () => {
    for (const { args, resources } of containers)
      expect([args[0], "nvidia.com/gpu" in resources.limits]).toEqual([args[0], args[0] === "worker"]);
  });

  it("have secrets by reference alone", () => {
    for (const { env } of containers)
      for (const { name, value, valueFrom } of env)
        if (SECRETS.includes(name)) {
          expect(value).toBeUndefined();
          expect(valueFrom).toHaveProperty("secretKeyRef");
        }
    expect(kubernetes("Secret")).toEqual([]);
  });

  it("have workers that drain, are not started again and not evicted, and have time to hand back", () => {
    const scaled = kubernetes("ScaledJob");
    expect(containers.filter(({ args }) => args[0] === "worker").map(({ args }) => args)).toEqual([
      ["worker", "--drain"],
      ["worker", "--drain"],
    ]);
    expect(find(scaled, "backoffLimit")).toBe(0);
    expect(find(scaled, "restartPolicy")).toBe("Never");
    expect(find(scaled, "rollout")).toEqual({ strategy: "gradual" });
    expect(find(scaled, "cluster-autoscaler.kubernetes.io/safe-to-evict")).toBe("false");
    expect(find(scaled, "terminationGracePeriodSeconds")).toBeGreaterThan(HAND_BACK_SECONDS);
  });

  it("ask KEDA for as many workers as the API counts to", () => {
    const scaled = kubernetes("ScaledJob");
    expect(String(find(scaled, "maxReplicaCount"))).toBe(find(kubernetes("ConfigMap"), "MAX_WORKERS"));
    expect(find(scaled, "triggers")).toEqual([
      {
        type: "metrics-api",
        metadata: {
          url: "http://mixcache-api.mixcache.svc.cluster.local:8080/internal/scale",
          valueLocation: "desired",
          targetValue: "1",
          authMode: "bearer",
        },
        authenticationRef: { name: "mixcache-scale" },
      },
    ]);
  });

  it("set no variable that the service does not know", () => {
    const names = containers.flatMap(({ env }) => env.map(({ name }) => name));
    names.push(...Object.keys(find(kubernetes("ConfigMap"), "data") as Tree));
    expect(unknown(names)).toEqual([]);
  });
});

describe("serverless.yml and the compose file", () => {
  it("set no variable that the service does not know", async () => {
    const texts = ["serverless.yml", "infra/aws/batch.yml", "infra/compose.yaml"].map((file) =>
      readFile(path.join(REPOSITORY, file), "utf8"),
    );
    const source = (await Promise.all(texts)).join("\n");
    const names = [...source.matchAll(/^ +([A-Z][A-Z0-9_]+):|- Name: ([A-Z][A-Z0-9_]+)$/gm)].map(
      ([, key, name]) => key ?? name ?? "",
    );
    expect(names.length).toBeGreaterThan(20);
    expect(unknown(names.filter((name) => !name.startsWith("POSTGRES_")))).toEqual([]);
  });
});

describe("the image", () => {
  it("has two targets, each without root, without a model, and with a health check", async () => {
    const dockerfile = await readFile(path.join(REPOSITORY, "infra/Dockerfile"), "utf8");
    const stages = dockerfile.split(/^(?=FROM )/m).slice(1);
    const named = new Map(stages.map((stage) => [/ AS (\S+)/.exec(stage)?.[1], stage]));
    expect([...named.keys()]).toEqual(["build", "cuda-provider", "onnxruntime", "torch"]);
    for (const target of ["onnxruntime", "torch"]) {
      const stage = named.get(target) ?? "";
      expect(stage).toMatch(/^USER 10001:10001$/m);
      expect(stage).toMatch(/^HEALTHCHECK /m);
      expect(stage).not.toMatch(/^COPY .*\bmodels\/(shapes|profiles)/m);
      expect(stage).not.toMatch(/^COPY .*\. \.$/m);
    }
    // Without CUDA's provider there is no image.
    expect(named.get("onnxruntime")).toContain('test -s "$provider"');
    expect(dockerfile).toContain("libonnxruntime_providers_cuda.so");
  });

  it("is built of what its stages copy: nothing else is sent", async () => {
    const ignored = (await readFile(path.join(REPOSITORY, ".dockerignore"), "utf8")).split("\n");
    expect(ignored).toContain("*");
    const sent = ignored.filter((line) => line.startsWith("!")).map((line) => line.slice(1));
    const dockerfile = await readFile(path.join(REPOSITORY, "infra/Dockerfile"), "utf8");
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, files = ""]) =>
      files.split(" "),
    );
    expect(new Set(copied)).toEqual(new Set(sent));
  });
});

function unknown(names: readonly string[]): string[] {
  const known = new Set([
    ...Object.keys(variables.shape),
    // Read by AWS's own chain.
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
  ]);
  return [...new Set(names)].filter((name) => !known.has(name));
}
