import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fingerprint } from "./fingerprint.ts";

/** The same data with its fields in the opposite order, at every depth. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, field]) => [name, reversed(field)]),
  );
}

describe("a request's fingerprint", () => {
  it("doesn't depend on the order of its fields", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (request) => {
        expect(fingerprint(reversed(request) as object)).toBe(fingerprint(request));
      }),
      { seed: 1 },
    );
  });

  it("is another one for another request", () => {
    const wishes = [
      {},
      { prompt: "a" },
      { prompt: "b" },
      { prompt: "a", seed: 8 },
      { prompt: "a", seed: "8" },
      { prompt: "a", seed: null },
      { prompt: "a", cache: { policy: "off" } },
      { prompt: "a", metadata: { a: "1", b: "2" } },
      { prompt: "a", metadata: { a: '1","b":"2' } },
      { prompt: "a", list: [1, 2] },
      { prompt: "a", list: [2, 1] },
      { prompt: "a", list: [12] },
    ];
    expect(new Set(wishes.map(fingerprint)).size).toBe(wishes.length);
  });

  it("takes a field that was not given for none, and a number for itself however it is kept", () => {
    expect(fingerprint({ prompt: "a", seed: undefined })).toBe(fingerprint({ prompt: "a" }));
    expect(fingerprint({ seed: 8n })).toBe(fingerprint({ seed: 8 }));
    expect(fingerprint({ seed: 8.0 })).toBe(fingerprint(JSON.parse('{"seed": 8e0}')));
    expect(fingerprint({ seed: 2n ** 64n - 1n })).not.toBe(fingerprint({ seed: 2n ** 64n - 2n }));
  });

  it("stays what it is from version to version", () => {
    expect(fingerprint({ prompt: "a red circle", num_frames: 16, cache: { policy: "off" } })).toBe(
      "a4462f20a92932b39fe21f7ee0fae0e33ae0a3c0862abe1c20d6f07eec2a775f",
    );
  });

  it("refuses what is no data", () => {
    expect(() => fingerprint({ scale: Number.NaN })).toThrow(TypeError);
    expect(() => fingerprint({ scale: () => 1 })).toThrow(TypeError);
  });
});
