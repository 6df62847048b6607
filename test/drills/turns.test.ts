import { afterAll, describe, expect, it } from "vitest";
import { openDatabase } from "../../src/jobs/index.ts";
import { startTestApi } from "../support/api.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { turns } from "./turns.ts";

let postgres: Postgres | undefined;
afterAll(() => postgres?.stop());

/** The whole size, with its times, is `npm run drill:turns`. Here it is counted who started in between. */
describe("one account's full queue", () => {
  it.each(["pglite", "postgres"])("does not hold up another account's only video, on %s", async (kind) => {
    if (kind === "postgres") postgres = await startPostgres();
    const api = await startTestApi(postgres && (await openDatabase({ url: await postgres.database() })));
    try {
      const report = await turns(api, { queued: 60, asks: 3, stepMs: 5, random: seeded(1) });
      expect(report).toMatchObject({ asks: 3, waitsMs: expect.any(Array) });
      expect(report.stillWaiting).toBeGreaterThan(0);
      // The one that was running may end and the next begin while the request is on its way.
      expect(report.mostOvertakes).toBeLessThanOrEqual(1);
    } finally {
      await api.close();
    }
  });
});
