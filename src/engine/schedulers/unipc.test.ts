import { describe, expect, it } from "vitest";
import type { Scheduler } from "./contract.ts";
import { FlowMatchEuler } from "./flow-match-euler.ts";
import { UniPC } from "./unipc.ts";

/**
 * A flow that is known in closed form: where clean samples are normal with this mean and deviation, the sample
 * at noise level sigma is mean(sigma) + deviation(sigma) z with z constant along a path.
 */
const MEAN = 0.5;
const DEVIATION = 1;
const deviationAt = (sigma: number) => Math.hypot((1 - sigma) * DEVIATION, sigma);

function exactVelocity(x: number, sigma: number): number {
  const deviation = deviationAt(sigma);
  const z = (x - (1 - sigma) * MEAN) / deviation;
  return -MEAN + ((sigma - (1 - sigma) * DEVIATION ** 2) / deviation) * z;
}

/** How far a run ends from the exact end of its path, at the most over a few paths. */
function endError(scheduler: Scheduler): number {
  const noise = Float32Array.of(-2, -1, -0.25, 0.5, 1.5);
  const end = scheduler.timesteps.reduce<Float32Array>((latents, _, index) => {
    const sigma = scheduler.sigmas[index] as number;
    return scheduler.step(
      index,
      latents.map((x) => exactVelocity(x, sigma)),
      latents,
    );
  }, noise);
  return Math.max(...end.map((x, i) => Math.abs(x - (MEAN + DEVIATION * (noise[i] as number)))));
}

// Shift 1, since a larger one leaves a long last step, whose error then hides the order of the others.
const euler = (steps: number) => endError(new FlowMatchEuler({ shift: 1 }, steps));
const unipc = (steps: number, order: 1 | 2 = 2) => endError(new UniPC({ shift: 1, order }, steps));
/** The power of the step size with which an error falls, from half as many steps to `steps`. */
const observedOrder = (error: (steps: number) => number, steps: number) =>
  Math.log2(error(steps / 2) / error(steps));

describe("UniPC on a flow with a known solution", () => {
  it.each([5, 8, 20, 50])("ends nearer to it than Euler with the same %i calls of the model", (steps) => {
    expect(unipc(steps)).toBeLessThan(euler(steps) / 3);
  });

  it.each([40, 80])("is of second order where Euler is of first, at %i steps", (steps) => {
    expect(Math.abs(observedOrder(euler, steps) - 1)).toBeLessThan(0.1);
    expect(observedOrder(unipc, steps)).toBeGreaterThan(2);
  });

  it("of order 1 lies between the two: it has the corrector but no older predictions", () => {
    expect(unipc(20, 1)).toBeLessThan(euler(20));
    expect(unipc(20, 1)).toBeGreaterThan(unipc(20));
  });
});

describe("UniPC's history", () => {
  const latents = Float32Array.of(0.5, -0.5);

  it("refuses steps out of order, and a step taken twice, which would mix up the history", () => {
    const scheduler = new UniPC({ shift: 3, order: 2 }, 4);
    expect(() => scheduler.step(1, latents, latents)).toThrow(
      "step 1 was asked for where step 0 of 4 comes next",
    );
    scheduler.step(0, latents, latents);
    expect(() => scheduler.step(0, latents, latents)).toThrow("A new run needs a new scheduler");
  });

  it("refuses latents of another size than the step before had", () => {
    const scheduler = new UniPC({ shift: 3, order: 2 }, 4);
    scheduler.step(0, latents, latents);
    const longer = new Float32Array(3);
    expect(() => scheduler.step(1, longer, longer)).toThrow("3 elements but had 2 in the step before");
  });

  it("is unharmed by a step that was refused", () => {
    const [a, b] = [new UniPC({ shift: 3, order: 2 }, 3), new UniPC({ shift: 3, order: 2 }, 3)];
    const [x, y] = [a.step(0, latents, latents), b.step(0, latents, latents)];
    expect(() => a.step(1, new Float32Array(1), x)).toThrow();
    expect(a.step(1, latents, x)).toEqual(b.step(1, latents, y));
  });
});

describe("UniPC's noise levels", () => {
  it("stay below 1, where the logarithm of the signal is finite", () => {
    expect(new UniPC({ shift: 5, order: 2 }, 4).sigmas[0]).toBe(Math.fround(1 - 1e-6));
  });

  it("are refused where float32 cannot tell two of them apart, before they become NaN latents", () => {
    expect(() => new UniPC({ shift: 10_000, order: 2 }, 1000)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "steps" }),
    );
  });
});
