import { describe, expect, it } from "vitest";
import { startTestApi } from "../support/api.ts";
import { seeded } from "../support/random.ts";
import { StubEngine } from "../support/stub-engine.ts";
import { cancels, percentile, WatchedEngine } from "./cancel.ts";

/** The whole size, with the embedded model and its times, is `npm run drill:cancel`. */
describe("cancel of a running video", () => {
  it("frees the engine before its next steps, and counts what was computed", async () => {
    const steps: number[] = [];
    const engine = new WatchedEngine(
      new StubEngine({
        stepMs: 20,
        beforeStep: (step) => {
          steps.push(step);
        },
      }),
    );
    const api = await startTestApi();
    try {
      const report = await cancels(api, engine, {
        cancels: 5,
        steps: 1000,
        latestMs: 40,
        random: seeded(1),
      });
      expect(report).toMatchObject({ cancelled: 5, counted: 5 });
      expect(report.idleMs).toHaveLength(5);
      // None of them came near its thousand steps.
      expect(Math.max(...steps)).toBeLessThan(900);
    } finally {
      await api.close();
    }
  });

  it("is measured by the nearest rank", () => {
    const sorted = Array.from({ length: 200 }, (_, at) => at + 1);
    expect([0.5, 0.99, 1].map((share) => percentile(sorted, share))).toEqual([100, 198, 200]);
  });
});
