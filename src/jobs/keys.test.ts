import { createHash, randomBytes } from "node:crypto";
import { describe, expect, it } from "vitest";
import { newKey, sameSecret } from "./keys.ts";

const counting = (count: number) => Uint8Array.from({ length: count }, (_, at) => at);

describe("a new key", () => {
  it("is its cell, its random bytes and their checksum", () => {
    const { secret, prefix, hash } = newKey(counting, "e");
    // The first 40 characters as `base32` writes bytes 0 to 24.
    expect(secret).toMatch(/^mx_eaaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyy[a-z2-7]{7}$/);
    expect(prefix).toBe("mx_eaaaqeaye");
    expect(hash).toBe(createHash("sha256").update(secret).digest("hex"));
  });

  it("leaves 160 bits that its prefix doesn't show, and is never the same", () => {
    const keys = Array.from({ length: 100 }, () => newKey(randomBytes, "a"));
    expect(new Set(keys.map(({ secret }) => secret)).size).toBe(100);
    expect((40 - (keys[0]?.prefix.length ?? 0) + 4) * 5).toBe(160);
  });
});

it("compares secrets of any length", () => {
  expect(sameSecret("a", "a")).toBe(true);
  expect(sameSecret("a", "b")).toBe(false);
  expect(sameSecret("a", "a much longer one")).toBe(false);
});
