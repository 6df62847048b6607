import { randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { bearerOf, cellOfKey, keyText } from "./key.ts";

const BODY = "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyy";
/** CRC-32 as seven characters, by zlib. */
const sumOf = (text: string) =>
  crc32(text)
    .toString(2)
    .padStart(35, "0")
    .replace(/.{5}/g, (bits) => "abcdefghijklmnopqrstuvwxyz234567"[Number.parseInt(bits, 2)] ?? "");

describe("a key", () => {
  it("names its cell, under the checksum", () => {
    expect(keyText("e", BODY)).toBe(`mx_e${BODY}${sumOf(`e${BODY}`)}`);
    expect(cellOfKey(keyText("e", BODY))).toBe("e");
    expect(cellOfKey(keyText("7", BODY))).toBe("7");
    expect(cellOfKey(keyText("e", BODY).replace("mx_e", "mx_f"))).toBeUndefined();
  });

  it("that is older than labels is still one, of the default cell", () => {
    expect(cellOfKey(`mx_${BODY}${sumOf(BODY)}`)).toBe("a");
  });

  it("is known as mistyped without asking anyone", () => {
    const letters = "abcdefghijklmnopqrstuvwxyz234567";
    const body = Array.from(randomBytes(40), (byte) => letters[byte % 32]).join("");
    const secret = keyText("a", body);
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: secret.length - 1 }),
        fc.constantFrom(..."abcz27"),
        (at, letter) => {
          fc.pre(secret[at] !== letter);
          expect(cellOfKey(secret.slice(0, at) + letter + secret.slice(at + 1))).toBeUndefined();
        },
      ),
      { seed: 1 },
    );
    const cut = [secret.slice(0, -1), secret.slice(0, 3) + secret.slice(4)];
    for (const wrong of ["", "mx_", ...cut, `${secret}a`, ` ${secret}`, `${secret}\n`, secret.toUpperCase()])
      expect(cellOfKey(wrong)).toBeUndefined();
  });
});

it("a bearer is one secret, however its scheme is written", () => {
  for (const header of ["Bearer x", "bearer x", "BEARER   x"]) expect(bearerOf(header)).toBe("x");
  for (const header of [undefined, null, "", "x", "Basic x", "Bearer", "Bearer x, Bearer y", "Bearer x y"])
    expect(bearerOf(header)).toBeUndefined();
});
