import { describe, expect, it } from "vitest";
import { Ddim } from "./ddim.ts";

const OPTIONS = { beta_start: 0.00085, beta_end: 0.012, snr_shift: 1 };

describe("Ddim", () => {
  it("starts from pure noise at the last training timestep, whatever the number of steps", () => {
    for (const steps of [1, 7, 50, 1000]) {
      const { sigmas, timesteps } = new Ddim(OPTIONS, steps);
      expect([timesteps[0], sigmas[0]]).toEqual([999, 1]);
    }
  });

  it("spaces timesteps so that each is the end of its interval", () => {
    expect(new Ddim(OPTIONS, 4).timesteps).toEqual([999, 749, 499, 249]);
    expect(new Ddim(OPTIONS, 16).timesteps.slice(0, 4)).toEqual([999, 937, 874, 811]);
  });

  it("says the level that it ends at where rounding leaves a timestep over", () => {
    expect(new Ddim(OPTIONS, 7).sigmas.at(-1)).toBeCloseTo(Math.sqrt(0.00085), 6);
    expect(new Ddim(OPTIONS, 8).sigmas.at(-1)).toBe(0);
  });

  it("takes as many steps as were asked for, where numpy's arange gives one more", () => {
    const { timesteps } = new Ddim(OPTIONS, 61);
    expect(timesteps).toHaveLength(61);
    expect(timesteps.at(-1)).toBe(15);
  });

  it("makes a noisier schedule of a larger shift", () => {
    const [plain, shifted] = [1, 3].map((snr_shift) => new Ddim({ ...OPTIONS, snr_shift }, 8).sigmas);
    for (let i = 1; i < 8; i++) expect(shifted?.[i]).toBeGreaterThan(plain?.[i] ?? 1);
  });

  it("goes through the exact sample and noise where the model knows them", () => {
    const [clean, noise] = [Float32Array.of(0.5, -2, 1), Float32Array.of(-1, 0.25, 2)];
    const scheduler = new Ddim(OPTIONS, 10);
    let latents: Float32Array = noise;
    for (const [index, sigma] of scheduler.sigmas.slice(0, -1).entries()) {
      const alpha = Math.sqrt(1 - sigma * sigma);
      const v = noise.map((n, i) => alpha * n - sigma * (clean[i] ?? 0));
      latents = scheduler.step(index, v, latents);
    }
    for (const [i, x] of latents.entries()) expect(x).toBeCloseTo(clean[i] ?? 0, 5);
  });

  it("refuses more steps than there are training timesteps", () => {
    expect(() => new Ddim(OPTIONS, 1001)).toThrow(
      expect.objectContaining({ code: "invalid_argument", field: "steps" }),
    );
  });
});
