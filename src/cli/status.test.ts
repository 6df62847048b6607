import { describe, expect, it } from "vitest";
import type { Progress } from "../engine/progress.ts";
import { StatusLine } from "./status.ts";

/** A stream that keeps what is written, and a clock that is set by hand. */
function fake(terminal: { isTTY?: boolean; columns?: number } = {}, unicode = true) {
  const written: string[] = [];
  const clock = { ms: 1000 };
  const stream = { ...terminal, write: (text: string) => written.push(text) };
  return { written, clock, status: new StatusLine(stream, () => clock.ms, unicode) };
}

function denoise(step: number, steps: number, fraction: number): Progress & { phase: "denoise" } {
  return { phase: "denoise", step, steps, fraction };
}

/** What a terminal shows after these writes. */
function screen(written: readonly string[]): string {
  const all = written.join("");
  return all.slice(all.lastIndexOf("\r\u001b[2K") + 5);
}

describe("on a terminal", () => {
  const terminal = { isTTY: true, columns: 80 };

  it("shows the step and the time that is left, on one line that it rewrites", () => {
    const { written, clock, status } = fake(terminal);
    status.progress(denoise(0, 10, 0.01));
    expect(screen(written)).toBe(`step 1/10  ${"─".repeat(10)}`);
    clock.ms += 30_000;
    status.progress(denoise(4, 10, 0.5));
    expect(screen(written)).toBe(`step 5/10  ${"─".repeat(10)}, 30 s left`);
    clock.ms += 570_000;
    status.progress(denoise(6, 10, 0.75));
    expect(screen(written)).toContain("3 min left");
    expect(written.join("")).not.toContain("\n");
  });

  const kinds = { full: 10, step: 0, cfg: 5, block: 3, attention: 7 };

  /** The line after these steps of a run. */
  function lineAfter(
    modes: readonly (keyof typeof kinds)[],
    steps: number,
    columns: number,
    unicode: boolean,
  ) {
    const { written, clock, status } = fake({ isTTY: true, columns }, unicode);
    for (const [step, mode] of modes.entries()) {
      status.progress(denoise(step, steps, step / steps));
      clock.ms += 1000;
      const finished = { mode, flops: kinds[mode], fullFlops: 10 };
      status.progress({ ...denoise(step, steps, (step + 1) / steps), finished });
    }
    return screen(written);
  }

  it("shows what every step was, and how much less was computed so far", () => {
    const modes = ["full", "full", "step", "cfg", "block", "attention"] as const;
    expect(lineAfter(modes, 8, 80, true)).toBe("step 6/8  ██▪▌▒▒──  1.7x, 2 s left");
    expect(lineAfter(modes, 8, 80, false)).toBe("step 6/8  ##.cbb--  1.7x, 2 s left");
    expect(lineAfter(["full", "full"], 4, 80, true)).toBe("step 2/4  ██──, 2 s left");
  });

  it("shows the newest steps of a run that is longer than the line", () => {
    const modes = Array.from({ length: 50 }, (_, step) => (step % 2 ? "step" : "full") as "step" | "full");
    const line = lineAfter(modes, 100, 50, true);
    expect(line).toMatch(/^step 50\/100 {2}▪?(█▪)+ {2}2\.0x, 50 s left$/);
    expect(line.length).toBe(49);
  });

  it("names the phases that are no steps", () => {
    const { written, status } = fake(terminal);
    status.waitFor("starting the engine");
    expect(screen(written)).toBe("starting the engine");
    status.progress({ phase: "text" });
    expect(screen(written)).toBe("reading the prompt");
    status.progress({ phase: "decode", fraction: 0.5 });
    expect(screen(written)).toBe("decoding 50 %");
  });

  it("never wraps: a line that is as wide as the terminal could not be rewritten", () => {
    const { written, status } = fake({ isTTY: true, columns: 16 });
    status.progress(denoise(0, 10, 0.5));
    expect(screen(written).length).toBe(15);
  });

  it("leaves nothing of the line behind, and clears once", () => {
    const { written, status } = fake(terminal);
    status.waitFor("encoding");
    status.clear();
    expect(screen(written)).toBe("");
    const { length } = written;
    status.clear();
    expect(written.length).toBe(length);
  });

  it("gives sentences a line of their own", () => {
    const { written, status } = fake(terminal);
    status.waitFor("encoding");
    status.say("A notice.");
    expect(screen(written)).toBe("A notice.\n");
  });
});

describe("in a pipe", () => {
  it("writes a few plain lines, however many steps there are", () => {
    const { written, clock, status } = fake();
    for (let step = 0; step < 1000; step++) {
      for (const part of [0.5, 1]) {
        clock.ms += 10;
        status.progress(denoise(step, 1000, (step + part) / 1000));
      }
    }
    const steps = written.map((line) => line.replace(/,.*/s, "").trim());
    expect(steps).toEqual([1, 201, 401, 601, 801].map((step) => `step ${step} of 1000`));
    for (const line of written.slice(1)) expect(line).toMatch(/^step \d+ of 1000, \d+ s left\n$/);
  });

  it("writes no control characters and nothing for the other phases", () => {
    const { written, status } = fake();
    status.waitFor("starting the engine");
    status.progress({ phase: "text" });
    status.progress({ phase: "decode", fraction: 0.5 });
    status.clear();
    expect(written).toEqual([]);
    status.progress(denoise(0, 2, 0.01));
    status.say("A notice.");
    expect(written).toEqual(["step 1 of 2\n", "A notice.\n"]);
  });
});
