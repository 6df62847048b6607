import { homedir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig, readFunctionConfig, readServerConfig } from "./index.ts";

describe("the environment", () => {
  it("may be empty: ONNX Runtime, and threads as the machine suggests", () => {
    const { embeddings, profiles, ...rest } = readConfig({});
    expect(rest).toEqual({ device: "cpu", lowMemory: false, unicode: false });
    expect(profiles).toMatch(/[\\/]\.local[\\/]share[\\/]mixcache[\\/]profiles$/);
    expect(embeddings?.folder).toMatch(/[\\/]\.cache[\\/]mixcache[\\/]embeddings$/);
    expect(readConfig({ ENGINE: "", THREADS: "", TORCH_WEIGHTS: "" })).toEqual(readConfig({}));
    expect(readConfig({ ENGINE: "onnx", TORCH_WEIGHTS: "/wan", THREADS: "4" })).toMatchObject({ threads: 4 });
    expect(readConfig({ ENGINE: "onnx", TORCH_WEIGHTS: "/wan" }).torch).toBeUndefined();
  });

  it("says where ONNX Runtime computes", () => {
    expect(readConfig({ ONNX_DEVICE: "cuda" }).device).toBe("cuda");
    expect(() => readConfig({ ONNX_DEVICE: "gpu" })).toThrow(/^ONNX_DEVICE/);
  });

  it("says how the torch engine runs", () => {
    expect(readConfig({ ENGINE: "torch", TORCH_WEIGHTS: "/wan" })).toMatchObject({
      torch: { python: "python3", weights: "/wan", compile: false, offload: false },
    });
    const all = {
      ENGINE: "torch",
      TORCH_PYTHON: "/venv/bin/python",
      TORCH_WEIGHTS: "/wan",
      TORCH_DEVICE: "cuda:1",
      TORCH_DTYPE: "bfloat16",
      TORCH_COMPILE: "1",
      TORCH_OFFLOAD: "no",
    };
    expect(readConfig(all).torch).toEqual({
      python: "/venv/bin/python",
      weights: "/wan",
      device: "cuda:1",
      dtype: "bfloat16",
      compile: true,
      offload: false,
    });
  });

  it("says where profiles are kept", () => {
    const { profiles } = readConfig({ XDG_DATA_HOME: "/var/data" });
    expect(profiles).toBe("/var/data/mixcache/profiles");
    expect(readConfig({ XDG_DATA_HOME: "relative" }).profiles).toBe(readConfig({}).profiles);
    expect(readConfig({ XDG_DATA_HOME: "/var/data", PROFILES: "/mine" }).profiles).toBe("/mine");
  });

  it("says where embeddings are kept, and how much", () => {
    const cache = (environment: Record<string, string>) => readConfig(environment).embeddings;
    expect(cache({ XDG_CACHE_HOME: "/var/cache" })).toEqual({
      folder: "/var/cache/mixcache/embeddings",
      maxBytes: 1_024_000_000,
    });
    expect(cache({ XDG_CACHE_HOME: "relative" })).toEqual(cache({}));
    expect(cache({ EMBEDDING_CACHE: "/data/texts", EMBEDDING_CACHE_MB: "5" })).toEqual({
      folder: "/data/texts",
      maxBytes: 5_000_000,
    });
    expect(cache({ EMBEDDING_CACHE: "off" })).toBeUndefined();
    expect(cache({ EMBEDDING_CACHE_MB: "0" })).toBeUndefined();
    expect(readConfig({ LOW_MEMORY: "1" }).lowMemory).toBe(true);
  });

  it.each([
    ["LOW_MEMORY", "some", /1 or 0/],
    ["EMBEDDING_CACHE_MB", "1GB", /whole number of megabytes/],
    ["ENGINE", "tensorflow", /onnx or torch/],
    ["THREADS", "0", /from 1 to 256/],
    ["THREADS", "257", /from 1 to 256/],
    ["THREADS", "two", /from 1 to 256/],
    ["TORCH_DEVICE", "gpu", /cuda, cuda:1 .* or cpu/],
    ["TORCH_DTYPE", "fp8", /bfloat16, float16 or float32/],
    ["TORCH_COMPILE", "maybe", /1 or 0/],
    ["TORCH_OFFLOAD", "2", /1 or 0/],
  ])("a wrong value is a sentence that names the variable: %s=%s", (name, value, rule) => {
    const read = () => readConfig({ [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: "invalid_argument", field: name }));
    expect(read).toThrow(new RegExp(`^${name} is “${value}”; it must be .*${rule.source}.*\\.$`));
  });

  it("needs the weights where torch is asked for", () => {
    expect(() => readConfig({ ENGINE: "torch" })).toThrow(/^TORCH_WEIGHTS is not set\. .*diffusers folder/);
  });
});

describe("the environment of a server", () => {
  it("may be empty: everything in one process, embedded, for this machine only", () => {
    expect(readServerConfig({})).toEqual({
      engine: readConfig({}),
      fleet: { maxWorkers: 10, targetWaitSeconds: 60, workerStartSeconds: 900 },
      role: "all",
      contentDelivery: "stream",
      orphanWindowDays: 30,
      playground: true,
      port: 8080,
      host: "127.0.0.1",
      dataDir: `${process.cwd()}/data`,
      cell: "a",
      logLevel: "info",
      webhooks: { allowHttp: false, allowPrivate: false },
      prices: { "*": { unit: "tflop", micros: "500" } },
      currency: "USD",
      maxQueued: 10_000,
      maxRunning: 100,
      heartbeatSeconds: 10,
      previewEverySteps: 0,
      maxStreams: 1000,
      maxStreamsPerAccount: 100,
      bundleCache: path.join(homedir(), ".cache/mixcache/bundles"),
      fetchedProfiles: path.join(homedir(), ".cache/mixcache/profiles"),
      profileWriteback: false,
    });
  });

  it("names a bundle in a store by its version, and where what is fetched lies", () => {
    const digest = "0a".repeat(32);
    const given = {
      BUNDLE: `s3://models/wan@sha256:${digest}`,
      XDG_CACHE_HOME: "/cache",
      PROFILE_WRITEBACK: "1",
    };
    expect(readServerConfig(given)).toMatchObject({
      bundle: { url: "s3://models/wan", digest },
      bundleCache: "/cache/mixcache/bundles",
      fetchedProfiles: "/cache/mixcache/profiles",
      profileWriteback: true,
    });
    expect(readServerConfig({ ...given, BUNDLE_CACHE: "/bundles" }).bundleCache).toBe("/bundles");
    for (const BUNDLE of ["s3://models/wan", "s3://models/wan@latest"])
      expect(() => readServerConfig({ BUNDLE })).toThrow(
        expect.objectContaining({ code: "invalid_argument", field: "BUNDLE" }),
      );
  });

  it("names places and prices", () => {
    const config = readServerConfig({
      ROLE: "api",
      DATABASE_URL: "postgres://me:secret@db/mixcache",
      PUBLIC_URL: "https://video.example/",
      BUNDLE: "models/wan",
      SIGNING_KEY: "ab".repeat(32),
      PRICES: '{"wan":{"unit":"gpu_second","micros":"555.5"}}',
    });
    expect(config).toMatchObject({
      role: "api",
      databaseUrl: "postgres://me:secret@db/mixcache",
      publicUrl: "https://video.example",
      bundle: `${process.cwd()}/models/wan`,
      prices: { wan: { unit: "gpu_second", micros: "555.5" }, "*": { unit: "tflop" } },
    });
    expect(config.signingKey).toHaveLength(32);
  });

  it.each(["api", "worker"])(
    "refuses ROLE=%s without a database that others can reach, and says why",
    (role) => {
      expect(() => readServerConfig({ ROLE: role })).toThrow(
        expect.objectContaining({ code: "invalid_argument", field: "ROLE" }),
      );
      expect(() => readServerConfig({ ROLE: role })).toThrow(
        /DATABASE_URL is not set.*belongs to one process.*\.$/,
      );
    },
  );

  it.each([
    ["ROLE", "both", /all, api or worker/],
    ["PORT", "http", /from 0 to 65535/],
    ["PORT", "65536", /from 0 to 65535/],
    ["PUBLIC_URL", "video.example", /begins with http/],
    ["PUBLIC_URL", "ftp://video.example", /begins with http/],
    ["CELL", "eu", /one lowercase letter or digit/],
    ["LOG_LEVEL", "loud", /trace, debug, .* or silent/],
    ["PRICES", "{", /must be JSON like/],
    ["PRICES", '{"a":{"unit":"minute","micros":"1"}}', /must be JSON like/],
    ["PRICES", '{"a":{"unit":"tflop","micros":0.1}}', /must be JSON like/],
    ["CURRENCY", "dollars", /three capital letters/],
    ["MAX_QUEUED", "0", /from 1 to/],
    ["MAX_RUNNING", "-1", /from 1 to/],
    ["HEARTBEAT_SECONDS", "5", /of seconds from 10 to 600/],
  ])("a wrong value is a sentence that names the variable: %s=%s", (name, value, rule) => {
    const read = () => readServerConfig({ [name]: value });
    expect(read).toThrow(expect.objectContaining({ code: "invalid_argument", field: name }));
    expect(read).toThrow(rule);
    expect(read).toThrow(new RegExp(`^${name} is “[^]*”; it must be [^\n]*\\.$`));
  });

  it.each(["DATABASE_URL", "OPERATOR_KEY", "INTERNAL_TOKEN", "EDGE_SECRET", "SIGNING_KEY"])(
    "a wrong value of %s is not repeated",
    (name) => {
      const read = () => readServerConfig({ [name]: "hunter2" });
      expect(read).toThrow(expect.objectContaining({ field: name }));
      expect(read).toThrow(new RegExp(`^${name} is not right; it must `));
      expect(read).not.toThrow(/hunter2/);
    },
  );
});

describe("where videos are kept", () => {
  it("is a folder, and downloads come through the API, unless there is a bucket", () => {
    const folder = readServerConfig({});
    expect(folder.s3).toBeUndefined();
    expect(folder).toMatchObject({ contentDelivery: "stream", orphanWindowDays: 30 });
    expect(folder).not.toHaveProperty("retentionDays");
    const bucket = readServerConfig({ S3_BUCKET: "videos" });
    expect(bucket).toMatchObject({ s3: { bucket: "videos", pathStyle: false }, contentDelivery: "redirect" });
    expect(readServerConfig({ S3_BUCKET: "videos", CONTENT_DELIVERY: "stream" }).contentDelivery).toBe(
      "stream",
    );
  });

  it("is said in full", () => {
    const config = readServerConfig({
      S3_BUCKET: "videos",
      S3_ENDPOINT: "http://s3:9000",
      S3_PUBLIC_ENDPOINT: "https://s3.example.com",
      S3_REGION: "eu-central-1",
      S3_PATH_STYLE: "1",
      S3_PREFIX: "prod/a/",
      S3_CHECKSUMS: "when_supported",
      RETENTION_DAYS: "30",
      ORPHAN_WINDOW_DAYS: "90",
    });
    expect(config).toMatchObject({ retentionDays: 30, orphanWindowDays: 90 });
    expect(config.s3).toEqual({
      bucket: "videos",
      endpoint: "http://s3:9000",
      publicEndpoint: "https://s3.example.com",
      region: "eu-central-1",
      pathStyle: true,
      prefix: "prod/a/",
      checksums: "when_supported",
    });
  });

  it.each([
    ["S3_BUCKET", { S3_BUCKET: "No Bucket" }],
    ["S3_BUCKET", { S3_ENDPOINT: "http://s3:9000" }],
    ["S3_ENDPOINT", { S3_BUCKET: "videos", S3_ENDPOINT: "s3:9000" }],
    ["S3_PREFIX", { S3_BUCKET: "videos", S3_PREFIX: "../" }],
    ["S3_PREFIX", { S3_BUCKET: "videos", S3_PREFIX: "prod" }],
    ["RETENTION_DAYS", { RETENTION_DAYS: "0" }],
    ["ORPHAN_WINDOW_DAYS", { ORPHAN_WINDOW_DAYS: "0" }],
  ])("is refused by the name of the variable that is wrong: %s", (field, environment) => {
    expect(() => readServerConfig(environment)).toThrowError(
      expect.objectContaining({ code: "invalid_argument", field, message: expect.stringContaining(field) }),
    );
  });
});

describe("the environment of a function", () => {
  const given = {
    DATABASE_URL: "postgres://db/x",
    S3_BUCKET: "videos",
    OPERATOR_KEY: "o".repeat(32),
    WEBHOOK_KEY: "ab".repeat(32),
  };

  it.each(Object.keys(given))(
    "says that %s is missing, as nothing made on a first start would stay",
    (name) => {
      expect(() => readFunctionConfig({ ...given, [name]: "" })).toThrow(new RegExp(`${name} is not set\\.`));
      expect(readFunctionConfig(given).role).toBe("api");
    },
  );
});

describe("the environment of a fleet", () => {
  it("starts nothing by default, and has the launcher that is named", () => {
    expect(readServerConfig({}).fleet.launcher).toBeUndefined();
    const job = "projects/p/locations/europe-west4/jobs/worker";
    expect(readServerConfig({ LAUNCHER: "cloud-run-jobs", CLOUD_RUN_JOB: job }).fleet.launcher).toEqual({
      kind: "cloud-run-jobs",
      job,
    });
  });

  it.each([
    ["local", {}, "DATABASE_URL is not set"],
    ["batch", { BATCH_JOB_QUEUE: "gpu" }, "BATCH_JOB_DEFINITION is not set"],
    ["batch", { BATCH_JOB_DEFINITION: "worker" }, "BATCH_JOB_QUEUE is not set"],
    ["cloud-run-jobs", {}, "CLOUD_RUN_JOB is not set"],
  ])("refuses LAUNCHER=%s with %o alone", (launcher, more, sentence) => {
    expect(() => readServerConfig({ LAUNCHER: launcher, ...more })).toThrow(sentence);
  });
});
