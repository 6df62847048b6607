import { describe, expect, it } from "vitest";
import { endError, type ProcessEnd } from "./torch-process.ts";

const END: ProcessEnd = { code: null, signal: null, stderr: "", systemWasShort: false };

describe("how a worker's end is told", () => {
  it.each<[string, Partial<ProcessEnd>, "starting" | "working", string, RegExp]>([
    ["killed", { signal: "SIGKILL" }, "working", "engine_crashed", /SIGKILL \(by someone, or by the system/],
    ["killed while it loads", { signal: "SIGKILL" }, "starting", "engine_crashed", /SIGKILL/],
    [
      "killed while the system had no memory",
      { signal: "SIGKILL", systemWasShort: true },
      "working",
      "engine_out_of_memory",
      /TORCH_OFFLOAD/,
    ],
    [
      "killed inside a launcher, for the same reason",
      { code: 137, systemWasShort: true },
      "working",
      "engine_out_of_memory",
      /smaller or shorter/,
    ],
    ["killed inside a launcher", { code: 137 }, "working", "engine_crashed", /exit code 137/],
    [
      "crashed meanwhile",
      { signal: "SIGSEGV", systemWasShort: true },
      "working",
      "engine_crashed",
      /SIGSEGV/,
    ],
    [
      "without memory for C++",
      { signal: "SIGABRT", stderr: "terminate called after throwing an instance of 'std::bad_alloc'" },
      "working",
      "engine_out_of_memory",
      /./,
    ],
    [
      "without memory for Python",
      { code: 1, stderr: "Traceback (most recent call last):\nMemoryError" },
      "starting",
      "engine_out_of_memory",
      /./,
    ],
    [
      "failed to import",
      {
        code: 1,
        stderr: "Traceback (most recent call last):\nModuleNotFoundError: No module named 'torch'\n",
      },
      "starting",
      "engine_unavailable",
      /: ModuleNotFoundError: No module named 'torch'\. .*requirements\.txt in python3\./,
    ],
    ["no such program", { notStarted: "spawn ENOENT" }, "starting", "engine_unavailable", /TORCH_PYTHON/],
    ["left", { code: 0 }, "working", "engine_crashed", /exit code 0\. The next video/],
  ])("%s", (_, end, phase, code, message) => {
    const error = endError({ ...END, ...end }, phase, "python3");
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
