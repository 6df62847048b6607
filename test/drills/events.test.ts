import { expect, it } from "vitest";
import { seeded } from "../support/random.ts";
import { eventsDrill } from "./events.ts";
import { startTwoServers } from "./two-servers.ts";

/** The whole size is `npm run drill:events`. */
it("streams that are cut anywhere and resumed on another server lose nothing and repeat nothing", async () => {
  const { close, ...servers } = await startTwoServers(2, 5);
  try {
    const report = await eventsDrill({ servers, cuts: 40, steps: 50, atOnce: 4, random: seeded(1) });
    expect(report).toMatchObject({ lost: 0, duplicated: 0, outOfOrder: 0, wrong: 0, fewest: 53 });
    expect(report.cuts).toBeGreaterThanOrEqual(40);
  } finally {
    await close();
  }
});
