import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Progress } from "../engine/progress.ts";
import { EngineChild, type EngineChildOptions } from "./engine-child.ts";
import { BUNDLE, ended, framesHash, isRunning, LONG, SHORT } from "./testing.ts";

const OPTIONS: EngineChildOptions = { bundle: BUNDLE, threads: 1 };
const HANG_MS = 3000;

function pidOf(engine: EngineChild): number {
  if (engine.pid === undefined) throw new Error("The engine has no process.");
  return engine.pid;
}

/** Starts a long run and does something to the engine as soon as it denoises. */
function disturb(engine: EngineChild, disturbance: () => void, signal?: AbortSignal) {
  let isFirst = true;
  return engine.generate(LONG, {
    ...(signal && { signal }),
    onProgress: ({ phase }) => {
      if (phase === "denoise" && isFirst) {
        isFirst = false;
        disturbance();
      }
    },
  });
}

let shared: EngineChild;
let undisturbed: string;
beforeAll(async () => {
  shared = await EngineChild.start(OPTIONS);
  undisturbed = framesHash(await shared.generate(SHORT));
});
afterAll(() => shared?.dispose());

describe("an engine in a child process", () => {
  let engine: EngineChild;
  beforeAll(() => {
    engine = shared;
  });

  const expectGoodRun = async () => expect(framesHash(await engine.generate(SHORT))).toBe(undisturbed);

  it("says what it loaded", async () => {
    const info = await engine.info();
    expect(info).toMatchObject({ backend: "onnx", device: "cpu", threads: 1, manifest: { id: "shapes" } });
    expect(info.digest).toMatch(/^[0-9a-f]{64}$/);
    expect(info.startMs).toBeGreaterThan(0);
  });

  it("reports every step in order, and leaves its parent responsive meanwhile", async () => {
    const seen: Progress[] = [];
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const result = await engine.generate(
      { ...SHORT, num_inference_steps: 4 },
      { onProgress: (p) => seen.push(p) },
    );
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(10);
    const denoise = seen.filter((progress) => progress.phase === "denoise");
    expect([...new Set(denoise.map(({ step }) => step))]).toEqual([0, 1, 2, 3]);
    const fractions = denoise.map(({ fraction }) => fraction);
    expect(fractions).toEqual(fractions.toSorted((a, b) => a - b));
    expect(fractions.at(-1)).toBe(1);
    expect(seen[0]).toEqual({ phase: "text" });
    expect(seen.at(-1)).toEqual({ phase: "decode", fraction: 1 });
    const { width, height, count, data } = result.frames;
    expect(data.length).toBe(width * height * count * 3);
    expect(result.settings).toMatchObject({ seed: 0n, num_inference_steps: 4 });
    expect(result.peakMemoryBytes).toBeGreaterThan(2 ** 20);
  });

  it("stops within a segment when aborted, in the same process, and works again", async () => {
    const before = engine.pid;
    const controller = new AbortController();
    let afterAbort = 0;
    const run = engine.generate(LONG, {
      signal: controller.signal,
      onProgress: ({ phase }) => {
        if (controller.signal.aborted) afterAbort++;
        else if (phase === "denoise") controller.abort();
      },
    });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    // Of 20 000; what was already on its way when the abort was sent still arrives.
    expect(afterAbort).toBeLessThan(40);
    await expectGoodRun();
    expect(engine.pid).toBe(before);
  });

  it("does nothing when it was aborted before the start", async () => {
    const seen: Progress[] = [];
    const run = engine.generate(SHORT, {
      signal: AbortSignal.abort(),
      onProgress: (progress) => seen.push(progress),
    });
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    await expectGoodRun();
    expect(seen).toEqual([]);
  });

  it("refuses a second video at the same time; the first is unaffected", async () => {
    const first = engine.generate(SHORT);
    await expect(engine.generate(SHORT)).rejects.toMatchObject({ code: "engine_busy" });
    expect(framesHash(await first)).toBe(undisturbed);
  });

  it("names the field of an invalid request and stays usable in the same process", async () => {
    const before = engine.pid;
    await expect(engine.generate({ ...SHORT, num_inference_steps: 0 })).rejects.toMatchObject({
      code: "invalid_argument",
      field: "num_inference_steps",
    });
    await expectGoodRun();
    expect(engine.pid).toBe(before);
  });

  it("survives the death of its process during a run; the next video is the same to the bit", async () => {
    const before = pidOf(engine);
    const run = disturb(engine, () => process.kill(before, "SIGKILL"));
    await expect(run).rejects.toMatchObject({
      code: "engine_crashed",
      message: expect.stringContaining("SIGKILL"),
    });
    await expectGoodRun();
    expect(engine.pid).not.toBe(before);
  });

  it("can be aborted while it loads", async () => {
    await expect(disturb(engine, () => process.kill(pidOf(engine), "SIGKILL"))).rejects.toThrow();
    const controller = new AbortController();
    const run = engine.generate(SHORT, { signal: controller.signal });
    const loading = pidOf(engine);
    controller.abort();
    await expect(run).rejects.toMatchObject({ code: "aborted" });
    await expectGoodRun();
    expect(engine.pid).toBe(loading);
  });

  it("leaves Ctrl-C and SIGTERM of its process group to its parent", async () => {
    const run = engine.generate(SHORT);
    process.kill(pidOf(engine), "SIGINT");
    process.kill(pidOf(engine), "SIGTERM");
    expect(framesHash(await run)).toBe(undisturbed);
  });
});

describe("an engine whose process", () => {
  let engine: EngineChild;
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
    engine.dispose();
  });

  /**
   * From here on this process' clock stands still unless it is told to go on. How long a child takes to start, or to
   * compute, is up to the machine: by a true clock a busy one looks like a child that hangs.
   */
  const stopClock = () => vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });

  const expectGoodRun = async () => expect(framesHash(await engine.generate(SHORT))).toBe(undisturbed);

  it("hangs is killed, and replaced for the next video", async () => {
    stopClock();
    engine = await EngineChild.start({ ...OPTIONS, hangTimeoutMs: HANG_MS });
    const pid = pidOf(engine);
    const hang = () => {
      process.kill(pid, "SIGSTOP");
      vi.advanceTimersByTime(HANG_MS - 1);
      expect(engine.pid).toBe(pid);
      vi.advanceTimersByTime(1);
    };
    await expect(disturb(engine, hang)).rejects.toMatchObject({ code: "engine_hung" });
    expect(isRunning(pid)).toBe(false);
    await expectGoodRun();
  });

  it("hangs when it is aborted is killed, and replaced for the next video", async () => {
    engine = await EngineChild.start({ ...OPTIONS, abortTimeoutMs: 100 });
    const pid = pidOf(engine);
    const controller = new AbortController();
    const stopAndAbort = () => {
      process.kill(pid, "SIGSTOP");
      controller.abort();
    };
    await expect(disturb(engine, stopAndAbort, controller.signal)).rejects.toMatchObject({ code: "aborted" });
    expect(isRunning(pid)).toBe(false);
    await expectGoodRun();
  });

  it("speaks while its parent stands still is not taken for hung", async () => {
    stopClock();
    engine = await EngineChild.start({ ...OPTIONS, hangTimeoutMs: HANG_MS });
    const pid = pidOf(engine);
    let isFirst = true;
    const run = engine.generate(SHORT, {
      onProgress: () => {
        if (!isFirst) return;
        isFirst = false;
        // As a suspended terminal job does, or a laptop that sleeps: the clock has gone on, the timers have not.
        const now = performance.now();
        vi.spyOn(performance, "now").mockReturnValueOnce(now + HANG_MS + 3_600_000);
        vi.advanceTimersByTime(HANG_MS);
      },
    });
    expect(framesHash(await run)).toBe(undisturbed);
    expect(engine.pid).toBe(pid);
  });

  it.skipIf(!hasPrlimit()).each([
    ["at once", 0],
    ["in the middle of a graph", 2 ** 20],
  ])("runs out of memory %s says so, and is replaced for the next video (needs prlimit)", async (_, more) => {
    engine = await EngineChild.start(OPTIONS);
    const pid = pidOf(engine);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const used = Number(/^VmSize:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    execFileSync("prlimit", ["--pid", String(pid), `--as=${used + more}`]);
    await expect(engine.generate(SHORT)).rejects.toMatchObject({
      code: "engine_out_of_memory",
      message: expect.stringContaining("smaller or shorter"),
    });
    await expectGoodRun();
    expect(engine.pid).not.toBe(pid);
  });

  it("is disposed of ends, and tells who waited", async () => {
    engine = await EngineChild.start(OPTIONS);
    const pid = pidOf(engine);
    await expect(disturb(engine, () => engine.dispose())).rejects.toMatchObject({
      code: "engine_unavailable",
    });
    expect(isRunning(pid)).toBe(false);
    await expect(engine.generate(SHORT)).rejects.toMatchObject({ code: "engine_unavailable" });
  });
});

describe("an engine that can't start", () => {
  it("says what is wrong with the bundle", async () => {
    await expect(EngineChild.start({ ...OPTIONS, bundle: tmpdir() })).rejects.toMatchObject({
      code: "bundle_not_found",
    });
  });

  it("stops starting when it is told to", async () => {
    await expect(EngineChild.start(OPTIONS, AbortSignal.abort())).rejects.toMatchObject({ code: "aborted" });
  });
});

describe("an engine whose parent is killed", () => {
  /** Runs a parent of an engine, and gives the engine's process id, which the parent's code prints. */
  async function enginePidOf(code: string) {
    const module = path.join(import.meta.dirname, "engine-child.ts");
    const options = JSON.stringify(OPTIONS);
    const source = `import { EngineChild } from ${JSON.stringify(module)}; const options = ${options}; ${code}`;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [printed] = await once(parent.stdout, "data");
    return { parent, pid: Number.parseInt(printed, 10) };
  }

  it("ends too, though it is in the middle of a video", async () => {
    const { parent, pid } = await enginePidOf(`
      const engine = await EngineChild.start(options);
      const onProgress = (p) => p.phase === "denoise" && process.stdout.write(engine.pid + "\\n");
      await engine.generate(${JSON.stringify(LONG)}, { onProgress });`);
    expect(isRunning(pid)).toBe(true);
    parent.kill("SIGKILL");
    // Without the wish to end, the video itself would take a minute. The time that both took to start is not counted.
    const late = wait(15_000, "still running", { ref: false });
    expect(await Promise.race([ended(pid), late])).toBeUndefined();
  });

  it.skipIf(process.platform !== "linux")(
    "ends too, though its own start is not over (needs Linux' /proc)",
    async () => {
      const { parent, pid } = await enginePidOf(`
        import { readFileSync, writeSync } from "node:fs";
        EngineChild.start(options);
        writeSync(1, readFileSync("/proc/self/task/" + process.pid + "/children", "utf8"));
        process.kill(process.pid, "SIGKILL");`);
      expect(pid).toBeGreaterThan(0);
      await once(parent, "exit");
      await ended(pid);
    },
  );
});

function hasPrlimit(): boolean {
  try {
    execFileSync("prlimit", ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}
