import { expect, it } from "vitest";
import { killChildren } from "./kill-child.ts";

it("a killed engine gives a typed error, and then the same video as if nothing had happened", async () => {
  const report = await killChildren(3, 1);
  expect(report).toMatchObject({ generating: 2, loading: 1, typedErrors: 3, goodRuns: 3, deviations: [] });
});
