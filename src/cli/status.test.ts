import { describe, expect, it } from "vitest";
import type { Progress } from "../engine/progress.ts";
import { StatusLine } from "./status.ts";

/** A stream that keeps what is written, and a clock that is set by hand. */
function fake(terminal: { isTTY?: boolean; columns?: number } = {}) {
  const written: string[] = [];
  const clock = { ms: 1000 };
  const stream = { ...terminal, write: (text: string) => written.push(text) };
  return { written, clock, status: new StatusLine(stream, () => clock.ms) };
}

function denoise(step: number, steps: number, fraction: number): Progress {
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
    expect(screen(written)).toBe(`${"─".repeat(24)} step 1 of 10`);
    clock.ms += 30_000;
    status.progress(denoise(4, 10, 0.5));
    expect(screen(written)).toBe(`${"━".repeat(12)}${"─".repeat(12)} step 5 of 10, 30 s left`);
    clock.ms += 570_000;
    status.progress(denoise(6, 10, 0.75));
    expect(screen(written)).toContain("step 7 of 10, 3 min left");
    expect(written.join("")).not.toContain("\n");
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
    const { written, status } = fake({ isTTY: true, columns: 30 });
    status.progress(denoise(0, 10, 0.5));
    expect(screen(written).length).toBe(29);
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
