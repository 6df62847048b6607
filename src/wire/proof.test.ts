/** Guarantee: a proof fits the request that it was made for, and none that differs in anything. */

import { describe, expect, it } from "vitest";
import { type Claim, EDGE_SECRET, headerOf, isProven, proofKey, proofKeys, readProof } from "./proof.ts";

const SECRET = "a-secret-of-the-edge-that-is-long-enough";
const OTHER = "another-secret-of-the-edge-that-is-long";
const CLAIM: Claim = {
  method: "POST",
  path: "/v1/videos",
  query: "?a=1",
  cell: "a",
  seconds: 1_764_000_000,
  nonce: "0f".repeat(16),
  ip: "2001:db8::1",
  bodyDigest: "ab".repeat(32),
};

async function fits(header: string, claim: Claim = CLAIM, secrets = SECRET): Promise<boolean> {
  const proof = readProof(header);
  return proof !== undefined && isProven(await proofKeys(secrets), proof, claim);
}
const made = async (claim: Claim = CLAIM, secret = SECRET) => {
  const key = await proofKey(secret);
  return headerOf(key, claim);
};

describe("a proof", () => {
  it("fits its request", async () => {
    expect(await fits(await made())).toBe(true);
  });

  it.each([
    ["method", { method: "PUT" }],
    ["path", { path: "/v1/videos/" }],
    ["query", { query: "" }],
    ["cell", { cell: "b" }],
  ])("fits no other %s", async (_, change) => {
    expect(await fits(await made(), { ...CLAIM, ...change })).toBe(false);
  });

  it.each([
    ["time", /t=\d+/, "t=1764000001"],
    ["nonce", /n=0f/, "n=1f"],
    ["client", /ip=\S+/, "ip=192.0.2.1"],
    ["body", /b=ab/, "b=bb"],
    ["signature", /s=[0-9a-f]{64}/, `s=${"00".repeat(32)}`],
    ["version", /v1/, "v2"],
  ])("that says another %s fits nothing", async (_, part, instead) => {
    const header = await made();
    expect(header).toMatch(part);
    expect(await fits(header.replace(part, instead))).toBe(false);
  });

  it("that is cut off, or comes twice, can't be read", async () => {
    const header = await made();
    for (let length = 0; length < header.length; length += 7)
      expect(readProof(header.slice(0, length))).toBeUndefined();
    expect(readProof(`${header}, ${header}`)).toBeUndefined();
  });

  it("of another secret fits only where that one is good too", async () => {
    const header = await made(CLAIM, OTHER);
    expect(await fits(header)).toBe(false);
    expect(await fits(header, CLAIM, `${SECRET},${OTHER}`)).toBe(true);
    expect(await fits(header, CLAIM, `${OTHER},${SECRET}`)).toBe(true);
  });
});

it("a secret is long, and there are two at most", () => {
  for (const good of [SECRET, `${SECRET},${OTHER}`]) expect(EDGE_SECRET.test(good)).toBe(true);
  for (const bad of ["", "short", `${SECRET},`, `${SECRET},short`, `${SECRET},${SECRET},${SECRET}`])
    expect(EDGE_SECRET.test(bad)).toBe(false);
});
