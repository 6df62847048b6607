import { watch } from "node:fs";
import { beforeEach, describe, expect, it } from "vitest";
import { ended, isRunning } from "../../src/node/testing.ts";
import { PROMPT, Sandbox } from "./run.ts";

let box: Sandbox;
beforeEach(async () => {
  box = await Sandbox.create();
  return () => box.remove();
});

/** Takes a minute or more if nobody stops it. */
const LONG = ["generate", PROMPT, "--steps", "1000", "--output", "out.mp4", "--sheet", "out.png"];
const IS_DENOISING = /step 1 of 1000/;
const STOPPED = "mixcache: Stopped. No file was written.\n";

describe("a run that is stopped ends with code 130, says so and leaves no file:", () => {
  it.each<NodeJS.Signals>(["SIGINT", "SIGTERM"])("%s to the process while it denoises", async (signal) => {
    const cli = box.start(LONG);
    await cli.said(IS_DENOISING);
    cli.kill(signal);
    const { code, stdout, stderr } = await cli.done;
    expect(code, stderr).toBe(130);
    expect(stdout).toBe("");
    expect(stderr.endsWith(STOPPED)).toBe(true);
    expect(await box.files()).toEqual([]);
  });

  it.skipIf(process.platform === "win32")("Ctrl-C in a terminal, which reaches the engine too", async () => {
    const cli = box.start(LONG, { group: true });
    await cli.said(IS_DENOISING);
    cli.killGroup("SIGINT");
    const { code, stderr } = await cli.done;
    expect(code, stderr).toBe(130);
    expect(stderr.endsWith(STOPPED)).toBe(true);
    expect(await box.files()).toEqual([]);
  });

  it.skipIf(process.platform === "win32")("Ctrl-C in a terminal while it starts", async () => {
    // The first thing it does is to try whether the output can be written.
    const watcher = watch(box.folder);
    const hasBegun = new Promise((resolve) => watcher.once("change", resolve));
    const cli = box.start(LONG, { group: true });
    await hasBegun;
    cli.killGroup("SIGINT");
    watcher.close();
    const { code, stderr } = await cli.done;
    expect(code, stderr).toBe(130);
    expect(stderr).toBe(STOPPED);
    expect(await box.files()).toEqual([]);
  });

  it.skipIf(process.platform !== "linux")(
    "Ctrl-C again and again while the engine hangs (needs Linux' /proc)",
    async () => {
      const cli = box.start(LONG);
      await cli.said(IS_DENOISING);
      const engine = cli.enginePid;
      expect(isRunning(engine)).toBe(true);
      process.kill(engine, "SIGSTOP");
      const impatience = setInterval(() => cli.kill("SIGINT"), 20);
      const { code, stderr } = await cli.done;
      clearInterval(impatience);
      expect(code, stderr).toBe(130);
      await ended(engine);
      expect(await box.files()).toEqual([]);
    },
  );
});

it.skipIf(process.platform !== "linux")(
  "an engine that is killed ends the run with code 3, a sentence and no file (needs Linux' /proc)",
  async () => {
    const cli = box.start(LONG);
    await cli.said(IS_DENOISING);
    process.kill(cli.enginePid, "SIGKILL");
    const { code, stderr } = await cli.done;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/mixcache: The engine's process was killed by SIGKILL[^\n]*\n$/);
    expect(await box.files()).toEqual([]);
  },
);
