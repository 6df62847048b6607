import { describe, expect, it } from "vitest";
import { readConfig } from "./config.ts";

describe("the environment", () => {
  it("may be empty: ONNX Runtime, and threads as the machine suggests", () => {
    const { embeddings, profiles, ...rest } = readConfig({});
    expect(rest).toEqual({ lowMemory: false, unicode: false });
    expect(profiles).toMatch(/[\\/]\.local[\\/]share[\\/]mixcache[\\/]profiles$/);
    expect(embeddings?.folder).toMatch(/[\\/]\.cache[\\/]mixcache[\\/]embeddings$/);
    expect(readConfig({ ENGINE: "", THREADS: "", TORCH_WEIGHTS: "" })).toEqual(readConfig({}));
    expect(readConfig({ ENGINE: "onnx", TORCH_WEIGHTS: "/wan", THREADS: "4" })).toMatchObject({ threads: 4 });
    expect(readConfig({ ENGINE: "onnx", TORCH_WEIGHTS: "/wan" }).torch).toBeUndefined();
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
