import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { MixcacheError } from "../errors.ts";
import { defaultThreads } from "../node/index.ts";
import { bundleFolder, checkSheet, formatOf, number, seed, size, threads, withOption } from "./options.ts";

/** Expects a refusal that names the option and quotes what was given. */
function expectRefusal(parse: () => unknown, field: string, ...parts: string[]) {
  let error: unknown;
  try {
    parse();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toBeInstanceOf(MixcacheError);
  expect(error).toMatchObject({ code: "invalid_argument", field });
  for (const part of parts) expect(String(error)).toContain(part);
}

describe("numbers", () => {
  it.each([
    ["3", 3],
    ["2.5", 2.5],
    ["-1", -1],
    ["1e2", 100],
  ])("%s is read; which numbers are possible is the engine's to say", (text, value) => {
    expect(number("steps")(text)).toBe(value);
  });

  it.each(["NaN", "", " ", "three", "3 steps", "0b"])("“%s” is refused", (text) => {
    expectRefusal(() => number("guidance")(text), "guidance", "--guidance", `“${text}”`, "not a number");
  });
});

describe("seeds", () => {
  it("are exact beyond 2^53", () => {
    expect(seed("18446744073709551615")).toBe(2n ** 64n - 1n);
    expect(seed("0")).toBe(0n);
  });

  it.each(["-1", "1.5", "1e3", "", "0x10", "1".repeat(21)])("“%s” is refused", (text) => {
    expectRefusal(() => seed(text), "seed", "--seed", `“${text}”`, "0 to 2^64 - 1");
  });
});

describe("sizes", () => {
  it("are width x height", () => {
    expect(size("640x480")).toEqual({ width: 640, height: 480 });
    expect(size("640X480")).toEqual({ width: 640, height: 480 });
  });

  it.each(["640", "640x", "x480", "640x480x3", "-1x5", "6.4x4.8", "640×480", "9999999x1"])(
    "“%s” is refused",
    (text) => {
      expectRefusal(() => size(text), "size", "--size", `“${text}”`, "for example 64x64");
    },
  );
});

describe("threads", () => {
  it("are at least one, whatever the machine", () => {
    expect(threads("1")).toBe(1);
    expect(threads(String(defaultThreads()))).toBe(defaultThreads());
  });

  it.each(["0", "257", "1.5", "-2", "many", ""])("“%s” is refused", (text) => {
    expectRefusal(() => threads(text), "threads", "--threads", "1 to 256");
  });
});

describe("files", () => {
  it.each([
    ["out.mp4", undefined, "mp4"],
    ["OUT.WebP", undefined, "webp"],
    ["out.mp4", "webp", "webp"],
    ["out", "mp4", "mp4"],
  ])("the format of %s with --format %s is %s", (output, format, expected) => {
    expect(formatOf(output, format)).toBe(expected);
  });

  it.each(["out.avi", "out", "mp4", ".mp4"])("--output %s is refused without --format", (output) => {
    expectRefusal(() => formatOf(output, undefined), "format", output, ".mp4", "--format webp");
  });

  it("a sheet is a .png and another file than the video", () => {
    expect(() => checkSheet("frames.PNG", "out.mp4")).not.toThrow();
    expectRefusal(() => checkSheet("frames.jpg", "out.mp4"), "sheet", "frames.jpg", ".png");
    expectRefusal(() => checkSheet("a/../x.png", "x.png"), "sheet", "--sheet", "--output");
  });

  it("a bundle folder must be there", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "mixcache-options-"));
    expect(bundleFolder(folder)).toBe(folder);
    rmdirSync(folder);
    expectRefusal(() => bundleFolder(folder), "bundle", folder, "does not exist");
  });
});

it("messages of the engine are said with the option's name where it differs from the field's", () => {
  const about = (field?: string) =>
    withOption(new MixcacheError("invalid_argument", "Too much.", field === undefined ? {} : { field }));
  expect(about("num_inference_steps")).toBe("--steps: Too much.");
  expect(about("width")).toBe("--size: Too much.");
  expect(about("prompt")).toBe("Too much.");
  expect(about()).toBe("Too much.");
});
