import { describe, expect, it } from "vitest";
import { readConfig } from "./config.ts";

describe("the environment", () => {
  it("may be empty: ONNX Runtime, and threads as the machine suggests", () => {
    expect(readConfig({})).toEqual({});
    expect(readConfig({ ENGINE: "", THREADS: "", TORCH_WEIGHTS: "" })).toEqual({});
    expect(readConfig({ ENGINE: "onnx", TORCH_WEIGHTS: "/wan", THREADS: "4" })).toEqual({ threads: 4 });
  });

  it("says how the torch engine runs", () => {
    expect(readConfig({ ENGINE: "torch", TORCH_WEIGHTS: "/wan" })).toEqual({
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

  it.each([
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
