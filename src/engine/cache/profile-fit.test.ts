import { describe, expect, it } from "vitest";
import { handmadeProfile } from "../../../test/support/policies.ts";
import { MixcacheError } from "../../errors.ts";
import type { Profile } from "./profile.ts";
import { misfit, readProfile, requireFit } from "./profile-fit.ts";

const PROFILE = handmadeProfile(8);
const TEXT = JSON.stringify(PROFILE);

function refusal(work: () => unknown): MixcacheError {
  try {
    work();
  } catch (error) {
    if (error instanceof MixcacheError) return error;
  }
  throw new Error("it was not refused");
}

const read = (profile: unknown) => refusal(() => readProfile(JSON.stringify(profile), "p.json"));

describe("reading a profile", () => {
  it("gives back what was written", () => {
    expect(readProfile(TEXT, "p.json")).toEqual(PROFILE);
  });

  it.each([0, 1, 100, TEXT.length - 1])("refuses a file that was cut off after %i characters", (length) => {
    const { code, message } = refusal(() => readProfile(TEXT.slice(0, length), "p.json"));
    expect(code).toBe("profile_invalid");
    expect(message).toMatch(/^The profile p\.json is cut off .*mixcache calibrate\.$/);
  });

  it("refuses an older version, whatever else is in it, and says which one it reads", () => {
    const { code, message } = read({ format: "mixcache.profile/0", ratios: [] });
    expect(code).toBe("profile_mismatch");
    expect(message).toMatch(/mixcache\.profile\/0, and this version reads mixcache\.profile\/1\..*calibrate/);
  });

  it("refuses another kind of file, a field too many and a wrong value, with its place", () => {
    expect(read([])).toMatchObject({ code: "profile_invalid" });
    expect(read({ format: "mixcache.bundle/1" })).toMatchObject({ code: "profile_invalid" });
    expect(read({ ...PROFILE, colour: "red" }).message).toContain("colour");
    expect(read({ ...PROFILE, changes: { ...PROFILE.changes, p50: ["x"] } }).message).toContain(
      "changes.p50.0",
    );
  });

  it("refuses tables that do not have every step", () => {
    expect(read({ ...PROFILE, reuse_costs: PROFILE.reuse_costs.slice(1) }).message).toContain(
      "does not have every step in reuse_costs",
    );
    const deviations: Profile["deviations"] = { step: [[null, 0.1]] };
    expect(read({ ...PROFILE, deviations }).message).toContain("every step in deviations");
  });
});

describe("a run with other settings", () => {
  const { key } = PROFILE;

  it("fits only its own", () => {
    expect(
      misfit(PROFILE, { ...key, guidance_scales: { ...key.guidance_scales } }, "p.json"),
    ).toBeUndefined();
    expect(() => requireFit(PROFILE, key, "p.json")).not.toThrow();
  });

  it.each([
    [{ bundle: "0123456789abcdef" }, "the bundle made up instead of 0123456789ab"],
    [{ scheduler: "unipc" }, "the scheduler flow_match_euler instead of unipc"],
    [{ steps: 50 }, "steps 8 instead of 50"],
    [{ frames: 8 }, "the shape 64x64x16 instead of 64x64x8"],
    [{ guidance_scales: { main: 1 } }, "the guidance scale 3 instead of 1"],
    [{ guidance_scales: { main: 3, second: 2 } }, "the guidance scale 3 instead of 3 and 2"],
  ])("%j is refused by a sentence that says what differs", (change, difference) => {
    const { code, message } = refusal(() => requireFit(PROFILE, { ...key, ...change }, "p.json"));
    expect(code).toBe("profile_mismatch");
    expect(message).toBe(
      `The profile p.json was measured for another run: ${difference}. Measure one for these settings with mixcache calibrate.`,
    );
  });

  it("says everything that differs at once", () => {
    expect(misfit(PROFILE, { ...key, steps: 4, width: 32 }, "p.json")).toContain(
      "steps 8 instead of 4; the shape 64x64x16 instead of 32x64x16",
    );
  });
});
