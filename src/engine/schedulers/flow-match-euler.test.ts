import { describe, expect, it } from "vitest";
import { FlowMatchEuler, shifted } from "./flow-match-euler.ts";

describe("shifted", () => {
  it("leaves both ends where they are, whatever the shift", () => {
    for (const shift of [0.5, 1, 3, 7]) expect([shifted(0, shift), shifted(1, shift)]).toEqual([0, 1]);
  });

  it("does nothing at shift 1 and raises the levels between above it", () => {
    expect(shifted(0.25, 1)).toBe(0.25);
    expect(shifted(0.5, 3)).toBe(0.75);
  });
});

describe("FlowMatchEuler", () => {
  it("follows a straight path exactly to its end, however few the steps", () => {
    const [noise, clean] = [Float32Array.of(0.5, -2), Float32Array.of(0.25, 1)];
    const velocity = noise.map((x, i) => x - (clean[i] as number));
    for (const steps of [1, 2, 4]) {
      const scheduler = new FlowMatchEuler({ shift: 1 }, steps);
      const end = scheduler.timesteps.reduce<Float32Array>(
        (x, _, i) => scheduler.step(i, velocity, x),
        noise,
      );
      expect(end).toEqual(clean);
    }
  });

  it("keeps no history: any step may be taken on its own, as often as wanted", () => {
    const scheduler = new FlowMatchEuler({ shift: 3 }, 8);
    const [velocity, latents] = [Float32Array.of(1, 2, 3), Float32Array.of(4, 5, 6)];
    const first = scheduler.step(5, velocity, latents);
    scheduler.step(2, velocity, latents);
    expect(scheduler.step(5, velocity, latents)).toEqual(first);
  });
});
