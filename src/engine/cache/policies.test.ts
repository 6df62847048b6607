import { describe, expect, it } from "vitest";
import { handmadeProfile, policyFor } from "../../../test/support/policies.ts";
import { POLICIES } from "./policies.ts";

const STEPS = 50;
const profile = handmadeProfile(STEPS);

describe("every policy", () => {
  it("has a name of its own that fits into a command line", () => {
    const names = POLICIES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const name of names) expect(name).toMatch(/^[a-z][a-z0-9-]*$/);
  });

  it.each(POLICIES.filter(({ dial }) => dial))(
    "$name can be made at both ends of its dial",
    ({ name, dial }) => {
      for (const value of [dial?.slow, dial?.fast]) {
        const made = policyFor({ policy: name, [dial?.option ?? ""]: value }, STEPS, profile);
        expect(made.name).toBe(name);
      }
    },
  );

  it.each(POLICIES)("$name refuses an option that it does not know, with its name", ({ name, dial }) => {
    const cache = { policy: name, ...(dial && { [dial.option]: dial.slow }), thresold: 0.1 };
    expect(() => policyFor(cache, STEPS, profile)).toThrow(new RegExp(`${name}.*thresold`));
  });
});

describe("a request", () => {
  it("for a policy that does not exist gets the list of those that do", () => {
    expect(() => policyFor({ policy: "blockcache" }, STEPS)).toThrowError(
      expect.objectContaining({
        field: "cache",
        message: expect.stringMatching(/no cache policy “blockcache”.*teacache/),
      }),
    );
  });

  it("with a wrong value gets the option's name", () => {
    expect(() => policyFor({ policy: "fbcache", threshold: -1 }, STEPS)).toThrowError(
      expect.objectContaining({ code: "invalid_argument", field: "cache.threshold" }),
    );
  });
});
