import { describe, expect, it } from "vitest";
import { down } from "./down.ts";
import { hanging } from "./hanging.ts";
import { signatures } from "./signatures.ts";

/** The whole size is `npm run drill:webhooks`. */
describe("webhooks in the small", () => {
  it("are verified by the public library, and refused with one bit off", async () => {
    expect(await signatures(200)).toMatchObject({ bodies: 200, verified: 200, tamperedTaken: 0 });
  });

  it.each([
    ["nobody listens for ten minutes", 600, "refused"],
    ["it fails for a day", 86_400, "failing"],
  ] as const)("are delivered when %s, under one id each", async (_, seconds, how) => {
    const report = await down(5, { seconds, how });
    expect(report).toMatchObject({ delivered: 5, ids: 5 });
    expect(report.duplicates).toBe(how === "failing" ? 5 * 7 : 0);
  });

  it("reach those who answer while others hang", async () => {
    const report = await hanging({ receivers: 40, hanging: 20, events: 10, everyMs: 0 });
    expect(report).toMatchObject({ due: 120, arrived: 120 });
  });
});
