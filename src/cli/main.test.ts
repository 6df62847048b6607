import { afterEach, beforeEach, describe, expect, it, type MockInstance, vi } from "vitest";
import { EXIT } from "./exit-codes.ts";
import { main, program } from "./main.ts";

let stdout: MockInstance<typeof process.stdout.write>;
let stderr: MockInstance<typeof process.stderr.write>;
beforeEach(() => {
  stdout = vi.spyOn(process.stdout, "write").mockReturnValue(true);
  stderr = vi.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => vi.restoreAllMocks());

const textOf = (mock: MockInstance<typeof process.stdout.write>) =>
  mock.mock.calls.map(([text]) => text).join("");

describe("exit codes", () => {
  it("are 0 for what succeeds: help and version go to stdout", async () => {
    expect(await main(["--version"])).toBe(0);
    expect(textOf(stdout)).toMatch(/^\d+\.\d+\.\d+/);
    expect(await main(["generate", "--help"])).toBe(0);
    expect(textOf(stdout)).toContain("--seed");
    expect(textOf(stderr)).toBe("");
  });

  it.each([
    ["an unknown command", ["frobnicate"], /unknown command 'frobnicate'/],
    ["an unknown option", ["generate", "x", "--sed", "1"], /unknown option '--sed'[\s\S]*--seed/],
    ["no prompt", ["generate"], /missing required argument 'prompt'/],
    ["a prompt without quotes", ["generate", "a", "red", "circle"], /too many arguments/],
    ["an option without its value", ["generate", "x", "--seed"], /'--seed <number>' argument missing/],
    ["a choice that is none", ["generate", "x", "--upscale", "magic"], /nearest, lanczos, off/],
    ["a number that is none", ["generate", "x", "--steps", "many"], /--steps is “many”/],
    ["a codec for webp", ["generate", "x", "-o", "x.webp", "--codec", "av1"], /--codec av1 is for mp4 only/],
    ["no frame rate", ["generate", "x", "--fps", "0"], /frames per second .* not 0/],
    ["a bundle that is not there", ["inspect", "/nowhere/bundle"], /\/nowhere\/bundle does not exist/],
  ])("are 2 for %s, with the reason on stderr only", async (_, args, reason) => {
    expect(await main(args)).toBe(2);
    expect(textOf(stderr)).toMatch(reason);
    expect(textOf(stdout)).toBe("");
  });

  it("are 1 for a fault of ours, with a trace to report", async () => {
    stdout.mockImplementation(() => {
      throw new TypeError("a bug");
    });
    expect(await main(["inspect"])).toBe(1);
    expect(textOf(stderr)).toMatch(/a bug\n.*please report[\s\S]*TypeError: a bug\n +at /);
  });

  it("are different for every kind, and the help lists them as they are", async () => {
    const codes = Object.values(EXIT);
    expect(new Set(codes).size).toBe(codes.length);
    await main(["generate", "--help"]);
    const listed = [
      ...textOf(stdout)
        .replace(/^[\s\S]*Exit codes:/, "")
        .matchAll(/(?:^|[,\s])(\d+) [a-z]/g),
    ];
    expect(listed.map(([, code]) => Number(code))).toEqual(codes);
  });
});

it("every command has the name that it is found by, and every option a description", async () => {
  for (const command of (await program()).commands) {
    expect((await program(command.name())).commands.map((found) => found.name())).toEqual([command.name()]);
    for (const { flags, description } of command.options) expect(description, flags).not.toBe("");
  }
});
